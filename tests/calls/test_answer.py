"""A host call from its line to QEMU's monitor; and as the program that QEMU starts."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from b2p.calls import answer, prepare
from b2p.calls.__main__ import MOST
from b2p.store import places
from b2p.store.layout import Layout, MachineFiles
from b2p.store.record import Record, read, write
from tests.boot.person import await_true
from tests.fakes import QmpServer, short_directory
from tests.fakes_network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

TREE = Path(__file__).parents[2]
HEAVY = "asyncio qemu psutil click rich httpx pexpect subprocess platformdirs"


@pytest.fixture
def files() -> Iterator[MachineFiles]:
    """A machine's, in a home with a space and a quote in its name."""
    with short_directory() as root:
        found = MachineFiles(home=root / "my 'data" / "web", run=root / "r, s")
        places.prepare_machine(found)
        record = Record(name="web", uuid="u", image="i", cpus=1, memory_mib=1024, disk_bytes=1)
        write(found.record, record)
        prepare.prepare(found)
        yield found


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """In place of QEMU's."""
    found = Network("2222:22", taken=(81,))

    class Monitor:
        def __init__(self, _path: Path) -> None:
            pass

        def __enter__(self) -> Network:
            return found

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(answer, "QuickMonitor", Monitor)
    return found


def line(files: MachineFiles, call: str = "publish", *ports: int, **others: Any) -> bytes:
    wishes = [{"protocol": "tcp", "port": port, "loopback": False} for port in ports]
    token = files.token.read_text()
    return json.dumps({"token": token, "call": call, "ports": wishes, **others}).encode()


def test_ports_come_and_go(files: MachineFiles, network: Network) -> None:
    assert answer.answered(line(files, "publish", 80, 82), files) == {"ok": True, "refused": []}
    assert network.told() == ["2222:22", "80:80", "82:82"]
    assert answer.answered(line(files, "unpublish", 80), files) == {"ok": True}
    assert answer.answered(line(files, "publish", 83, all=True), files)["ok"] is True
    assert network.told() == ["2222:22", "83:83"]


def test_the_guest_learns_that_a_port_is_taken_and_the_log_by_whom(
    files: MachineFiles, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b2p.host.holder.reason", lambda *_: "taken")
    monkeypatch.setattr("b2p.host.holder.holder", lambda *_: "nginx (pid 12)")
    said = answer.answered(line(files, "publish", 81), files)
    assert said == {"ok": True, "refused": [{"protocol": "tcp", "port": 81}]}
    assert "port 81/tcp" in files.console_log.read_text()
    assert "taken by nginx (pid 12)" in files.console_log.read_text()


def wished(files: MachineFiles) -> None:
    """The machine is to be suspended when it is idle."""
    found = read(files.record)
    assert found
    write(files.record, replace(found, idle_suspend=30))


def test_an_idle_machine_may_sleep_if_that_is_wished(files: MachineFiles) -> None:
    said = answer.answered(line(files, "idle"), files)
    assert said == {"ok": False, "error": "it is not wished", "again": False}
    wished(files)
    assert answer.answered(line(files, "idle"), files) == {"ok": True, answer.SLEEP: True}


def test_the_call_is_over_before_the_machine_is_suspended(
    files: MachineFiles, tmp_path: Path
) -> None:
    wished(files)
    layout = Layout(data=tmp_path, cache=tmp_path, config=tmp_path, sockets=tmp_path)
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(layout.data)}
    ended = subprocess.run(
        ["/bin/sh", str(files.call_script)],
        input=line(files, "idle") + b"\n",
        stdout=subprocess.PIPE,
        env=environment,
        timeout=50,
    )
    # Its pipe is at its end though the process that it left behind may go on.
    assert json.loads(ended.stdout) == {"ok": True, answer.SLEEP: True}
    await_true("its word", files.console_log.exists)
    await_true("its word", lambda: "looks for it elsewhere" in files.console_log.read_text())


def test_what_is_wrong_changes_nothing(files: MachineFiles, network: Network) -> None:
    for text in (b"", b"{}", line(files, token="0"), line(files, "reboot")):
        said = answer.answered(text, files)
        assert said["ok"] is False
        assert said["again"] is False
    assert network.told() == ["2222:22"]


def test_a_monitor_that_is_gone_may_come_back(files: MachineFiles) -> None:
    said = answer.answered(line(files, "publish", 80), files)
    assert said == {"ok": False, "error": "the host cannot do it just now", "again": True}
    assert str(files.calls) not in json.dumps(said)


def test_the_script_that_qemu_starts_answers_and_says_nothing_else(files: MachineFiles) -> None:
    with QmpServer(files.calls, {"human-monitor-command": ""}) as monitor:
        # As QEMU does: stderr too is what the guest reads.
        ended = subprocess.run(
            ["/bin/sh", str(files.call_script)],
            input=line(files, "publish", 8080) + b"\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=50,
        )
        lines = [command["arguments"].get("command-line") for command in monitor.heard[1:]]
    assert json.loads(ended.stdout) == {"ok": True, "refused": []}
    assert lines == ["info usernet", "hostfwd_add net0 tcp:127.0.0.1:8080-:8080"]


def test_what_breaks_in_it_is_logged_and_not_told(files: MachineFiles) -> None:
    files.record.write_text("{")
    script = files.call_script.read_text().replace("b2p.calls", "b2p.no_such_calls")
    files.call_script.write_text(script)
    ended = subprocess.run(
        ["/bin/sh", str(files.call_script)],
        input=b"{}\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=50,
    )
    assert ended.stdout == b""
    assert "no_such_calls" in files.qemu_log.read_text()


def test_a_line_without_an_end_is_not_waited_for_for_ever(files: MachineFiles) -> None:
    script = files.call_script.read_text()
    words = shlex.split(script.splitlines()[-1].partition(" 2>>")[0])[1:]
    code = "import b2p.calls.__main__ as m; m.SECONDS = 1; m.main()"
    at = words.index("-m")
    command = [*words[:at], "-c", code, *words[at + 2 :]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=TREE) as process:
        assert process.wait(50) < 0


def test_only_so_many_calls_are_answered_at_once(files: MachineFiles) -> None:
    command = ["/bin/sh", str(files.call_script)]
    waiting: list[subprocess.Popen[bytes]] = []
    try:
        with files.call_script.open("r+b") as held:
            for place in range(MOST - 1):
                fcntl.lockf(held, fcntl.LOCK_EX, 1, place)
            # The last place is taken by a call that says nothing yet.
            waiting.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            await_true("its place", lambda: _is_taken(files, MOST - 1))
            late = subprocess.run(command, input=b"{}\n", stdout=subprocess.PIPE, timeout=50)
            assert json.loads(late.stdout) == {
                "ok": False,
                "error": "too many calls at once",
                "again": True,
            }
        again = subprocess.run(command, input=b"{}\n", stdout=subprocess.PIPE, timeout=50)
        assert "too many" not in again.stdout.decode()
    finally:
        for one in waiting:
            one.kill()
            one.communicate()


def _is_taken(files: MachineFiles, place: int) -> bool:
    """Whether another process has that place: asked by one of its own, which gives it back."""
    ask = (
        "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'),"
        " fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(sys.argv[2]))"
    )
    words = [sys.executable, "-I", "-c", ask, str(files.call_script), str(place)]
    return subprocess.run(words, capture_output=True).returncode != 0


def test_a_new_start_makes_a_new_token(files: MachineFiles) -> None:
    before = files.token.read_text()
    prepare.prepare(files)
    assert files.token.read_text() != before
    assert len(before) == 64
    assert files.token.stat().st_mode & 0o777 == 0o600


def test_a_call_imports_nothing_heavy() -> None:
    code = (
        f"import sys, b2p.calls.__main__;print(sorted(set('{HEAVY}'.split()) & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=TREE, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"
