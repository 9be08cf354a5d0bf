"""`b2p down` as a story: the ladder, and what lost its files, with a QEMU that only pretends."""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p import down
from b2p.errors import GuestError, UsageError
from b2p.host import process
from b2p.store import lock
from b2p.store import record as records

if TYPE_CHECKING:
    from tests.fakes_story import Computer

SIGNALS = {"no-quit": -signal.SIGTERM, "no-quit+no-term": -signal.SIGKILL}


def hurry(monkeypatch: pytest.MonkeyPatch, *rungs: str) -> None:
    """These rungs of the ladder, which will not do, get little time."""
    for rung in rungs:
        monkeypatch.setattr(down, f"{rung}_SECONDS", 0.1)


def verbs(computer: Computer) -> list[str]:
    """What the guest was asked to do, in order."""
    return [request["do"] for request in computer.requests()]


def test_the_guest_is_asked_and_ends_in_its_own_time(computer: Computer) -> None:
    record = computer.up().record
    computer.down()
    assert verbs(computer) == ["identity", "poweroff"]
    assert process.exit_status(record.pid) == 0
    assert not [path for path in computer.files().sockets if path.exists()]
    assert computer.files().data_disk.exists()
    assert computer.record() == record


def test_with_force_the_guest_is_not_asked(computer: Computer) -> None:
    record = computer.up().record
    computer.down(force=True)
    assert verbs(computer) == ["identity"]
    assert process.exit_status(record.pid) == 0
    assert "the guest stops" not in " ".join(computer.report.said)


def test_a_guest_that_does_not_end_has_its_qemu_told_to_quit(computer: Computer) -> None:
    record = computer.up(fault="stays").record
    began = time.monotonic()
    computer.down(timeout=0.2)
    assert time.monotonic() - began >= 0.2
    assert verbs(computer) == ["identity", "poweroff"]
    assert process.exit_status(record.pid) == 0
    assert computer.report.said[-1] == "ending QEMU"


def test_a_guest_without_an_agent_is_not_waited_for(computer: Computer) -> None:
    computer.up()
    computer.files().control.unlink()
    began = time.monotonic()
    computer.down(timeout=30)
    assert time.monotonic() - began < 20
    assert not computer.running()


@pytest.mark.parametrize("fault", SIGNALS)
def test_a_qemu_that_does_not_obey_gets_signals(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    record = computer.up(fault=f"stays+{fault}").record
    hurry(monkeypatch, "MONITOR", "QUIT", *(["TERM"] if "no-term" in fault else []))
    computer.down(timeout=0.1)
    expected = 0 if fault == "no-quit" else SIGNALS[fault]
    assert process.exit_status(record.pid) == expected
    assert not computer.running()


def test_a_qemu_that_was_stopped_by_a_signal_is_ended_too(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = computer.up().record
    hurry(monkeypatch, "MONITOR", "QUIT", "TERM")
    os.kill(record.pid, signal.SIGSTOP)
    computer.down(force=True)
    assert process.exit_status(record.pid) == -signal.SIGKILL


def test_what_even_sigkill_does_not_end_is_told(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = computer.up().record
    monkeypatch.setattr(down, "_gone", lambda _started, _seconds: False)
    with pytest.raises(GuestError, match=f"stopping: process {record.pid} does not end"):
        computer.down()


def test_one_that_does_not_run_is_fine(computer: Computer) -> None:
    computer.up()
    computer.down(force=True)
    computer.down()
    assert computer.report.notes[-1] == "machine 'default' is not running"


def test_sockets_of_a_qemu_that_crashed_are_cleared_away(computer: Computer) -> None:
    record = computer.up().record
    os.kill(record.pid, signal.SIGKILL)
    assert process.await_exit(record.pid, record.pid_start, timeout=5)
    assert computer.files().qmp.exists()
    computer.down()
    assert not [path for path in computer.files().sockets if path.exists()]


def test_one_that_nobody_knows_is_the_users_mistake(computer: Computer) -> None:
    with pytest.raises(UsageError, match="there is no machine 'nobody'"):
        computer.down("nobody")
    assert not computer.left()


def test_a_pid_that_came_round_again_is_nobodys_business(computer: Computer) -> None:
    record = computer.up().record
    computer.down(force=True)
    stranger = process.launch(["sleep", "30"], log=computer.layout.data / "log")
    try:
        stale = replace(record, pid=stranger.pid, pid_start=stranger.start_time / 2)
        records.write(computer.files().record, stale)
        computer.down()
        assert process.alive(stranger.pid, stranger.start_time)
    finally:
        process.terminate(stranger.pid, stranger.start_time, force=True)
        process.await_exit(stranger.pid, stranger.start_time, timeout=5)


def test_a_qemu_that_its_record_does_not_name_is_found_by_its_uuid(computer: Computer) -> None:
    # As after a b2p that was killed between QEMU's start and the record.
    record = computer.up().record
    records.write(computer.files().record, replace(record, pid=0, pid_start=0.0))
    computer.down()
    assert not computer.running()


def test_a_machine_whose_directory_was_deleted_is_ended(computer: Computer) -> None:
    computer.up()
    shutil.rmtree(computer.files().home)
    computer.down()
    assert not computer.running()
    assert not (computer.layout.machines / ".default.lock").exists()


def test_a_machine_whose_sockets_were_deleted_is_ended(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.up()
    hurry(monkeypatch, "QUIT")
    shutil.rmtree(computer.files().run)
    computer.down()
    assert not computer.running()


def test_it_waits_for_another_b2p_and_looks_again_then(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = computer.up().record
    holding = lock.hold(computer.files().lock, command="b2p up")
    holding.__enter__()

    def let_go(text: str) -> None:
        # What the other one did meanwhile: another start, so another record.
        records.write(computer.files().record, replace(record, cpus=7))
        holding.__exit__(None, None, None)
        computer.report.notes.append(text)

    monkeypatch.setattr(computer.report, "note", let_go)
    computer.down(force=True)
    assert computer.report.notes[-1].startswith("waiting for 'b2p up'")
    assert not computer.running()
    assert computer.record().cpus == 7
