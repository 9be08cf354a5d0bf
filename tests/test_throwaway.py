"""`b2p scratch` as a story, with a QEMU that only pretends: nothing is left, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from b2p import sweep
from b2p.errors import GuestError, HostError
from b2p.host import lifetime, process
from b2p.store import lock
from b2p.store import record as records
from tests.fakes_story import HOST

if TYPE_CHECKING:
    from tests.fakes_story import Computer

LOOK = """
import json, os, pathlib, sys
home = next(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.is_dir())
found = {"environment": dict(os.environ), "files": sorted(path.name for path in home.iterdir())}
pathlib.Path(sys.argv[2]).write_text(json.dumps(found))
sys.exit(7)
"""


def homes(computer: Computer) -> Path:
    """Where throwaway machines lie."""
    return computer.layout.throwaway().machines


def looked(computer: Computer, **said: Any) -> dict[str, object]:
    """What a command meets; it ends with status 7."""
    out = computer.layout.cache / "seen.json"
    status = computer.scratch(sys.executable, "-c", LOOK, str(homes(computer)), str(out), **said)
    assert status == 7
    found: dict[str, object] = json.loads(out.read_text())
    return found


@pytest.mark.parametrize("golden", [False, True])
def test_a_command_has_an_engine_and_nothing_is_left(computer: Computer, golden: bool) -> None:
    seen = looked(computer, golden=golden)
    environment = seen["environment"]
    assert isinstance(environment, dict)
    socket = environment["DOCKER_HOST"].removeprefix("unix://")
    assert environment["CONTAINER_HOST"].startswith("unix:///")
    assert environment["TESTCONTAINERS_RYUK_DISABLED"] == "true"
    assert not os.path.lexists(socket)
    assert computer.left() == []
    assert computer.running() == []
    assert records.listing(computer.layout.machines).names == ()


def test_its_disk_has_no_name_any_more(computer: Computer) -> None:
    assert looked(computer)["files"] == [*("console.log", "machine.json", "nothing", "qemu.log")]


def test_qemu_ends_with_b2p_where_it_can(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []
    real = process.launch

    def launch(command: tuple[str, ...], **options: object) -> process.Started:
        commands.append(tuple(command))
        return real(command, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(process, "launch", launch)
    computer.scratch("true")
    computer.host = replace(HOST, qemu=replace(HOST.qemu, exit_with_parent=True))
    computer.scratch("true")
    computer.up()
    assert ["exit-with-parent=on" in command for command in commands] == [False, True, False]


def test_what_would_lead_clients_elsewhere_is_taken_away(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "desktop")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("MINE", "kept")
    environment = looked(computer)["environment"]
    assert isinstance(environment, dict)
    assert not {"DOCKER_CONTEXT", "DOCKER_TLS_VERIFY"} & set(environment)
    assert environment["MINE"] == "kept"


@pytest.mark.parametrize("fault", ["fails", "dies"])
def test_an_engine_that_does_not_come_up_leaves_nothing(computer: Computer, fault: str) -> None:
    with pytest.raises(GuestError):
        computer.scratch("true", fault=fault)
    assert computer.left() == []
    assert computer.running() == []


def test_a_command_that_is_not_there_leaves_nothing(computer: Computer) -> None:
    with pytest.raises(HostError, match="cannot start 'no-such-command'"):
        computer.scratch("no-such-command")
    assert computer.left() == []
    assert computer.running() == []


def test_a_command_killed_by_a_signal_has_the_shells_status(computer: Computer) -> None:
    assert computer.scratch("sh", "-c", "kill -9 $$") == 128 + signal.SIGKILL


def test_what_a_killed_b2p_left_is_swept(computer: Computer) -> None:
    record = computer.up().record
    left = computer.layout.throwaway().machine("scratch-1")
    homes(computer).mkdir(parents=True, exist_ok=True)
    computer.files().home.rename(left.home)
    computer.files().run.rename(left.run)
    records.write(left.record, replace(record, name="scratch-1"))
    left.lock.touch()
    (homes(computer) / ".scratch-2.lock").touch()
    computer.files().lock.unlink()
    sweep.sweep(computer.layout)
    assert computer.running() == []
    assert computer.left() == []


def test_what_somebody_uses_is_not_swept(computer: Computer) -> None:
    used = computer.layout.throwaway().machine("scratch-1")
    used.home.mkdir(parents=True)
    with lock.hold(used.lock, command="b2p scratch"):
        sweep.sweep(computer.layout)
        assert used.home.exists()


def test_a_command_ends_with_us_whatever_ends_us(tmp_path: Path) -> None:
    """As b2p does it, in a process of its own that is killed."""
    code = (
        "from b2p.host import process;"
        f"process.hand_over(['sh', '-c', 'echo $$ > {tmp_path}/pid; exec sleep 600'],"
        " ends_with_us=True)"
    )
    ours = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[1])
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text().strip()):
        assert ours.poll() is None
    child = int(pid.read_text())
    started = lifetime.start_time(child)
    assert started
    ours.kill()
    ours.wait()
    if sys.platform == "linux":
        assert process.await_exit(child, started, timeout=30)
    else:
        os.kill(child, signal.SIGKILL)
