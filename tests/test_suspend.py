"""`b2p suspend` and the `up` that resumes, as stories, with a QEMU that only pretends."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from b2p import resume, suspend
from b2p.control import snapshot
from b2p.control.monitor import Monitor
from b2p.errors import GuestError, HostError, UsageError
from b2p.host import process
from b2p.identity import ENTROPY_BYTES
from b2p.store import saved
from tests.test_up import mounted_disk

if TYPE_CHECKING:
    from tests.fakes_story import Computer

FREEZE_AND_SAVE = [
    "unmount",
    "freeze",
    "stop",
    "migrate-set-capabilities",
    "migrate-set-parameters",
    "migrate",
]
RESUME = [
    "migrate-set-capabilities",
    "migrate-set-parameters",
    "migrate-incoming",
    "cont",
    "identity",
]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that does not wake up is not waited for."""
    monkeypatch.setattr(resume, "AWAKE_SECONDS", 0.5)


def asked(computer: Computer) -> list[str]:
    """What guest and QEMU were asked that has to do with the state, in order."""
    return [one.get("do") or one["qmp"] for one in computer.requests()]


def files_left(computer: Computer) -> list[str]:
    """Files of a saved state that are there, and are not being removed."""
    for remover in process._removers:
        remover.wait()
    return sorted(path.name for path in computer.files().home.glob("suspended.*"))


def suspended(computer: Computer, **said: Any) -> None:
    """A machine that was used, and suspended."""
    computer.up(**said)
    mounted_disk(computer.files().data_disk)
    computer.suspend()


def test_the_disk_rests_before_the_state_is_saved_and_qemu_ends(computer: Computer) -> None:
    suspended(computer)
    assert asked(computer) == ["identity", *FREEZE_AND_SAVE]
    assert not computer.running()
    assert files_left(computer) == ["suspended.json", "suspended.state"]
    assert not [path for path in computer.files().sockets if path.exists()]
    assert computer.state() == "suspended"


def test_up_resumes_and_nothing_of_the_state_is_left(computer: Computer) -> None:
    suspended(computer)
    before = computer.record()
    result = computer.up()
    assert asked(computer)[-len(RESUME) :] == RESUME
    assert files_left(computer) == []
    assert computer.state() == "running"
    assert computer.running() == [result.record.pid]
    assert (result.record.ssh_port, result.record.command) == (before.ssh_port, before.command)
    assert computer.report.notes[-1].startswith("machine 'default' goes on after ")
    assert not computer.report.warnings


def test_a_resumed_guest_gets_the_time_and_something_random(computer: Computer) -> None:
    suspended(computer)
    computer.up()
    first, identity = [one for one in computer.requests() if one.get("do") == "identity"]
    assert identity["entropy"] != first["entropy"]
    assert len(bytes.fromhex(identity["entropy"])) == ENTROPY_BYTES
    assert identity["time"] > first["time"]


def test_suspended_twice_is_fine_and_stopped_is_not(computer: Computer) -> None:
    suspended(computer)
    computer.suspend()
    assert computer.report.notes[-1] == "machine 'default' is suspended"
    computer.down(force=True)
    with pytest.raises(UsageError, match="is not running"):
        computer.suspend()
    with pytest.raises(UsageError, match="there is no machine"):
        computer.suspend("nobody")


@pytest.mark.parametrize(
    ("fault", "error", "why"),
    [
        ("no-save", HostError, "No space left on device"),
        ("no-freeze", GuestError, "EBUSY"),
    ],
)
def test_what_cannot_be_saved_runs_on(
    computer: Computer, fault: str, error: type[Exception], why: str
) -> None:
    computer.up(fault=fault)
    with pytest.raises(error, match=why):
        computer.suspend()
    assert asked(computer)[-1] == "thaw"
    assert ("cont" in asked(computer)) == (fault == "no-save")
    assert files_left(computer) == []
    assert computer.state() == "running"


def test_a_manifest_that_cannot_be_written_lets_the_machine_run_on(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.up()

    def full(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(saved, "write", full)
    with pytest.raises(KeyboardInterrupt):
        computer.suspend()
    assert asked(computer)[-3:] == ["migrate_cancel", "cont", "thaw"]
    assert files_left(computer) == []
    assert computer.state() == "running"


def test_a_b2p_that_was_killed_while_it_saved_is_made_good_by_up(computer: Computer) -> None:
    computer.up()
    with Monitor(computer.files().qmp) as monitor:
        snapshot.save(monitor, computer.files().saved_state)
    assert computer.state() == "broken"
    before = computer.running()
    assert computer.up().was_running
    # Told once to go on, and once of what may have changed since.
    assert asked(computer)[-4:] == ["migrate_cancel", "cont", "identity", "identity"]
    assert computer.running() == before
    assert computer.state() == "running"
    assert files_left(computer) == []


def test_a_b2p_that_was_killed_once_all_was_saved_left_a_suspended_machine(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(suspend, "stop", killed)
    with pytest.raises(KeyboardInterrupt):
        suspended(computer)
    (left,) = computer.running()
    assert computer.state() == "suspended"
    result = computer.up()
    assert process.exit_status(left) == -signal.SIGKILL
    assert computer.running() == [result.record.pid]
    assert asked(computer)[-len(RESUME) :] == RESUME


def test_a_qemu_that_dies_while_it_saves_leaves_a_machine_that_boots(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = computer.up().record.pid
    mounted_disk(computer.files().data_disk)
    with monkeypatch.context() as dying:
        dying.setattr(snapshot, "_prepare", lambda *_: os.kill(pid, signal.SIGKILL))
        with pytest.raises(GuestError, match="suspending: QEMU ended by a signal"):
            computer.suspend()
    assert computer.state() == "stopped"
    assert not computer.up().was_running
    assert files_left(computer) == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [("no-load", "No space left on device"), ("no-wake", "does not wake up")],
)
def test_a_state_that_cannot_be_resumed_gives_way_to_a_boot(
    computer: Computer, fault: str, why: str
) -> None:
    suspended(computer)
    result = computer.up(fault=fault)
    (warning,) = computer.report.warnings
    assert warning.startswith("machine 'default' cannot be resumed: ")
    assert why in warning
    assert computer.running() == [result.record.pid]
    assert [one["do"] for one in computer.requests() if "do" in one] == ["identity"]
    assert files_left(computer) == []


def test_a_b2p_that_was_killed_before_the_machine_ran_leaves_the_state(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended(computer)

    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(snapshot, "load", killed)
        with pytest.raises(KeyboardInterrupt):
            computer.up()
    assert not computer.running()
    assert computer.state() == "suspended"
    computer.up()
    assert asked(computer)[-1] == "identity"
    assert not computer.report.warnings


def test_a_b2p_that_is_broken_off_after_the_machine_ran_on_leaves_it_running(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended(computer)

    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(resume, "_await_awake", killed)
    with pytest.raises(KeyboardInterrupt):
        computer.up()
    assert len(computer.running()) == 1
    assert computer.state() == "running"


def touch_disk(computer: Computer) -> None:
    with computer.files().data_disk.open("r+b") as disk:
        disk.write(b"x")


def cut_state(computer: Computer) -> None:
    os.truncate(computer.files().saved_state, 2)


def damage_manifest(computer: Computer) -> None:
    computer.files().saved_manifest.write_text("{")


def another_processor(computer: Computer) -> None:
    values = json.loads(computer.files().saved_manifest.read_text())
    values["fields"]["host's processor"] = "another"
    computer.files().saved_manifest.write_text(json.dumps(values))


def another_qemu(computer: Computer) -> None:
    values = json.loads(computer.files().saved_manifest.read_text())
    values["fields"]["QEMU"] = "7"
    computer.files().saved_manifest.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (touch_disk, "data disk has changed"),
        (cut_state, "saved state has changed"),
        (damage_manifest, "its manifest is damaged"),
        (another_processor, "host's processor was another, is "),
        (another_qemu, "QEMU was 7, is 0"),
    ],
)
def test_a_state_that_does_not_fit_any_more_is_named_and_thrown_away(
    computer: Computer, change: Any, why: str
) -> None:
    suspended(computer)
    change(computer)
    computer.up()
    (warning,) = computer.report.warnings
    assert warning.startswith("the saved state of machine 'default' does not fit: ")
    assert why in warning
    assert files_left(computer) == []
    assert asked(computer) == ["identity"]


def test_another_size_of_memory_is_worth_a_boot(computer: Computer) -> None:
    suspended(computer)
    computer.up(memory=4 << 30)
    assert "memory was 2048M, is 4096M" in computer.report.warnings[0]
    assert computer.state() == "running"


def test_a_disk_that_is_to_grow_is_worth_a_boot(computer: Computer) -> None:
    suspended(computer)
    computer.up(disk=2 << 30)
    assert "data disk has changed" in computer.report.warnings[0]


def test_a_dry_run_of_a_suspended_machine_shows_the_resume(computer: Computer) -> None:
    suspended(computer)
    assert computer.up(dry_run=True).command[-2:] == ("-incoming", "defer")
    assert computer.state() == "suspended"


def test_down_resumes_a_machine_to_stop_it_in_good_order(computer: Computer) -> None:
    suspended(computer)
    computer.down()
    assert asked(computer)[-len(RESUME) - 1 :] == [*RESUME, "poweroff"]
    assert computer.state() == "stopped"
    assert files_left(computer) == []
    assert not computer.running()


@pytest.mark.parametrize("force", [True, False])
def test_down_gives_up_memory_that_cannot_be_resumed_or_is_not_wanted(
    computer: Computer, *, force: bool
) -> None:
    suspended(computer)
    if not force:
        touch_disk(computer)
    computer.down(force=force)
    assert computer.report.notes[-2].startswith("what machine 'default' had in memory is gone")
    assert "migrate-incoming" not in asked(computer)
    assert files_left(computer) == []
    assert computer.state() == "stopped"


def test_rm_leaves_nothing_of_a_suspended_machine(computer: Computer) -> None:
    suspended(computer)
    computer.remove()
    assert not [path for path in computer.left() if "default" in path]
