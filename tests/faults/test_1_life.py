"""Life cycle: lines 1 to 10."""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import psutil
import pytest

from tests.boot.person import B2P, Person, await_true, signalled
from tests.faults.conftest import Tally, edit, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.faults

COLD = {"B2P_GOLDEN": "false"}
"""A start that boots: there is time to break it off."""


def test_01_a_stage_that_overruns_is_named(machine: Person, free: Callable[[str], str]) -> None:
    late = free("late")
    said = machine.b2p("up", late, "--timeout", "1", status=125, environment=COLD).err
    assert "not done after" in said
    assert "timed out waiting for ssh" not in said
    assert [line for line in said.splitlines() if line.startswith("  ")], said
    assert machine.traces(late) == []
    assert "b2p: booting: " in said or "b2p: starting" in said, said


def test_02_a_stale_pid_blocks_no_start(
    machine: Person, new: Callable[..., str], tally: Tally
) -> None:
    new("stale")
    qemu = machine.qemu("stale")
    assert qemu
    qemu.kill()
    tally["kills"] += 1
    await_true("its end", lambda: machine.qemu("stale") is None)
    # A pid that lives, and is another's.
    edit(record_of(machine, "stale"), pid=os.getpid(), state="starting")
    assert machine.state("stale") == "stopped"
    machine.b2p("up", "stale")
    assert machine.state("stale") == "running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_03_a_first_start_that_is_broken_off_leaves_nothing(
    machine: Person, number: signal.Signals, tally: Tally
) -> None:
    before = machine.socket_folders()
    starting = machine.begin("up", "broken", **COLD)
    with signalled(starting, number, when=lambda: machine.qemu("broken")) as said:
        assert said.status == 130
    tally["kills"] += 1
    assert machine.qemu("broken") is None
    assert machine.traces("broken") == []
    assert machine.socket_folders() == before


def test_04_a_machine_whose_directory_was_deleted_is_ended(
    machine: Person, new: Callable[..., str]
) -> None:
    new("lost")
    shutil.rmtree(record_of(machine, "lost").parent)
    assert machine.qemu("lost")
    machine.b2p("rm", "-f", "lost")
    assert machine.qemu("lost") is None


def test_05_down_is_bounded_and_done_when_the_process_is_gone(
    machine: Person, new: Callable[..., str]
) -> None:
    new("deaf")
    qemu = machine.qemu("deaf")
    assert qemu
    # A guest that hears nothing, as the whole of it stands still.
    qemu.suspend()
    machine.b2p("down", "deaf", "--timeout", "1")
    assert machine.qemu("deaf") is None
    assert "is not running" in machine.b2p("down", "deaf").err
    machine.b2p("up", "deaf")


@pytest.mark.parametrize(
    "verb", [["down", "again"], ["down", "--force", "again"], ["rm", "-f", "again"]]
)
def test_06_a_pid_of_another_is_never_signalled(
    machine: Person, new: Callable[..., str], verb: list[str]
) -> None:
    new("again")
    machine.b2p("down", "--force", "again")
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        edit(record_of(machine, "again"), pid=bystander.pid)
        machine.b2p(*verb)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_07_a_lock_is_the_kernels_and_its_holder_is_named(
    machine: Person, free: Callable[[str], str], tally: Tally
) -> None:
    held = free("held")
    holder = machine.begin("up", held, **COLD)
    await_true("its QEMU", lambda: machine.qemu(held))
    holder.send_signal(signal.SIGSTOP)
    waiting = machine.begin("rm", "-f", held)
    time.sleep(2)
    assert waiting.poll() is None
    # Nothing has to be cleared away by hand: the lock ends with whoever had it.
    holder.kill()
    tally["kills"] += 1
    _, said = waiting.communicate(timeout=120)
    holder.communicate(timeout=120)
    assert "b2p up" in said
    assert str(holder.pid) in said
    assert waiting.returncode == 0, said
    assert machine.traces(held) == []


def test_08_a_machine_outlives_its_terminal(machine: Person, free: Callable[[str], str]) -> None:
    name = free("outlives")
    line = f"{shlex.quote(str(B2P))} up {name} && echo '<''up>'; sleep 1000"
    terminal = pexpect.spawn(
        "bash", ["-c", line], env=machine.environment, timeout=600, encoding="utf-8"
    )
    terminal.expect_exact("<up>")
    terminal.close(force=True)
    assert machine.state(name) == "running"
    assert machine.inside("uname -n", name=name) == f"{name}\n"


def test_09_a_poweroff_from_within_is_seen(machine: Person, new: Callable[..., str]) -> None:
    new("itself")
    machine.b2p("ssh", "itself", "--root", "--", "systemctl poweroff", status=None)
    await_true("its end", lambda: machine.qemu("itself") is None)
    assert machine.state("itself") == "stopped"
    said = machine.b2p("ssh", "itself", "--", "true", status=2).err
    assert said.startswith("b2p: machine 'itself' is not running")


def test_10_another_qemu_between_runs(
    machine: Person, new: Callable[..., str], tmp_path: Path
) -> None:
    new("moved")
    machine.inside("echo kept > /root/mark; sync", name="moved")
    binary = Path(machine.facts("moved")["decided"]["command"][0])
    machine.b2p("suspend", "moved")
    # As after an upgrade: the same file, at another time.
    record = record_of(machine, "moved")
    edit(record, qemu="another")
    suspended = record.parent / "suspended.json"
    values = suspended.read_text().replace('"QEMU": "', '"QEMU": "older ')
    suspended.write_text(values)
    said = machine.b2p("up", "moved").err
    assert "warning" in said
    assert machine.inside("cat /root/mark", name="moved") == "kept\n"
    assert binary.exists()
    gone = machine.b2p("up", "other", "--qemu", str(tmp_path / "gone"), status=125).err
    assert "no QEMU at" in gone


def test_the_first_start_may_be_killed_at_any_moment(
    machine: Person, free: Callable[[str], str], tally: Tally
) -> None:
    """After each kill of b2p `up` works, with one QEMU, and `rm` leaves nothing."""
    name = free("felled")
    began = time.monotonic()
    machine.b2p("up", name)
    whole = time.monotonic() - began
    machine.b2p("rm", "-f", name)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(30):
        starting = machine.begin("up", name)
        time.sleep(chance.uniform(0, whole))
        with contextlib.suppress(psutil.Error):
            starting.kill()
        starting.communicate(timeout=120)
        tally["kills"] += 1
        machine.b2p("up", name)
        assert len(machine.qemus(name)) == 1
        assert machine.inside("uname -n", name=name) == f"{name}\n"
        machine.b2p("rm", "-f", name)
        assert machine.qemu(name) is None
        assert machine.traces(name) == []
        tally["cycles"] += 1


def test_all_at_once_end_consistently(
    machine: Person, free: Callable[[str], str], tally: Tally
) -> None:
    name = free("crowd")
    verbs = [["up", name], ["status", name], ["down", name], ["ls"], ["rm", "-f", name]]
    begun = [machine.begin(*verbs[number % len(verbs)]) for number in range(20)]
    for one in begun:
        _, said = one.communicate(timeout=550)
        assert "Traceback" not in said
        assert "a mistake in b2p" not in said
        assert one.returncode in (0, 1, 2, 125), said
        tally["cycles"] += 1
    machine.b2p("up", name)
    assert len(machine.qemus(name)) == 1
    machine.b2p("rm", "-f", name)
    assert machine.qemus(name) == []
    assert machine.traces(name) == []
