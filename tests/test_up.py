"""`b2p up` as a story, with a QEMU that only pretends."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p import launch, ready
from b2p.errors import GuestError, HostError, StateError, UsageError
from b2p.host import lifetime, process
from b2p.store import record as records
from tests.fakes_story import HOST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes_story import Computer


def mounted_disk(path: Path) -> None:
    """What a guest has mounted at least once: an ext4 with its magic and a count."""
    superblock = bytearray(1024)
    superblock[52:54] = (3).to_bytes(2, "little")
    superblock[56:58] = b"\x53\xef"
    with path.open("r+b") as disk:
        disk.seek(1024)
        disk.write(superblock)


def test_a_new_machine_comes_up_and_is_recorded(computer: Computer) -> None:
    result = computer.up(memory=1 << 30)
    record = computer.record()
    assert result.record == record
    assert not result.was_running
    assert (record.image, record.cpus, record.memory_mib) == ("0123", 2, 1024)
    assert record.first_ready
    assert computer.running() == [record.pid]
    assert process.alive(record.pid, record.pid_start)
    assert record.command == result.command
    assert computer.files().data_disk.stat().st_size == 1 << 30
    assert computer.files().data_disk.stat().st_blocks == 0
    assert computer.report.notes[-1].startswith("machine 'default' is up after ")


def test_the_guest_is_told_who_it_is(computer: Computer) -> None:
    before = time.time()
    computer.up("web")
    (identity,) = computer.requests("web")
    assert (identity["do"], identity["name"]) == ("identity", "web")
    assert identity["machine_id"] == computer.record("web").uuid.replace("-", "")
    assert before <= identity["time"] <= time.time()
    assert identity["authorized_keys"] == ["ssh-ed25519 AAAAid_ed25519 b2p"]
    assert identity["host_keys"] == {"ssh_host_ed25519_key": "private\n"}
    known = computer.files("web").known_hosts.read_text()
    assert known == "b2p-web ssh-ed25519 AAAAssh_host_ed25519_key\n"


def test_what_the_guest_does_is_shown_as_it_comes(computer: Computer) -> None:
    computer.up(fault="terse")
    said = computer.report.said
    assert said[0] == "starting machine 'default'"
    in_order = ["waiting for the machine's identity", "mounting the data disk"]
    assert [one for one in said if one in in_order] == in_order
    assert said[-1] == "starting the engine"


def test_files_of_a_machine_are_its_users_alone(computer: Computer) -> None:
    computer.up()
    files = computer.files()
    for directory in (files.home, files.run):
        assert directory.stat().st_mode & 0o777 == 0o700
    for file in (files.record, files.console_log, files.qemu_log):
        assert file.stat().st_mode & 0o077 == 0


def test_a_second_up_changes_nothing(computer: Computer) -> None:
    first = computer.up()
    again = computer.up()
    assert again.was_running
    assert again.record == first.record
    assert computer.running() == [first.record.pid]
    assert computer.report.notes[-1] == "machine 'default' is running"
    assert not computer.report.warnings


def test_what_is_asked_of_a_running_machine_is_told_to_wait(computer: Computer) -> None:
    first = computer.up()
    again = computer.up(memory=4 << 30, extra=("-device", "x"))
    assert again.record == first.record
    assert [
        warning.partition(" is not in force yet")[0] for warning in computer.report.warnings
    ] == [
        "memory 4096MiB",
        "QEMU's option -device x",
    ]
    assert "b2p down default && b2p up default" in computer.report.warnings[0]


def test_two_machines_run_side_by_side(computer: Computer) -> None:
    one, two = computer.up("one").record, computer.up("two").record
    assert one.uuid != two.uuid
    assert one.ssh_port != two.ssh_port
    assert computer.running() == sorted([one.pid, two.pid])


def test_a_dry_run_leaves_nothing(computer: Computer) -> None:
    result = computer.up(dry_run=True, extra=("-device", "x"))
    assert result.command[-2:] == ("-device", "x")
    assert not computer.left()
    assert not computer.running()


def test_the_port_for_ssh_stays_and_another_is_taken_where_it_is_not_free(
    computer: Computer,
) -> None:
    first = computer.up().record.ssh_port
    assert first
    computer.down(force=True)
    assert computer.up().record.ssh_port == first
    computer.down(force=True)
    with socket.create_server(("127.0.0.1", first)):
        other = computer.up().record.ssh_port
    assert other not in {0, first}
    assert computer.record().ssh_port == other


def test_no_free_port_for_ssh_is_told_with_qemus_words(computer: Computer) -> None:
    with pytest.raises(HostError, match="no port of 127") as caught:
        computer.up(fault="no-forward")
    assert "hostfwd" in caught.value.details or "forwarding rule" in caught.value.details
    assert not computer.left()


@pytest.mark.parametrize("fault", ["dies", "dies-listening"])
def test_a_qemu_that_ends_at_once_is_told_with_its_words(computer: Computer, fault: str) -> None:
    with pytest.raises(GuestError, match="starting QEMU: QEMU ended with status 1") as caught:
        computer.up(fault=fault)
    assert "somebody else's" in caught.value.details
    assert not computer.left()


def test_a_qemu_that_ends_later_is_told_with_the_stage(computer: Computer) -> None:
    with pytest.raises(GuestError, match="starting the engine: QEMU ended with status 3") as caught:
        computer.up(fault="dies-later")
    assert "somebody else's" in caught.value.details
    assert not computer.left()


def test_a_qemu_that_is_not_there_is_told(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/qemu")
    with pytest.raises(HostError, match="cannot start '/no/such/qemu'"):
        computer.up()
    assert not computer.left()


def test_a_panic_is_told_at_once(computer: Computer) -> None:
    began = time.monotonic()
    with pytest.raises(GuestError, match="the guest's kernel panicked: VFS") as caught:
        computer.up(fault="panics+mute")
    assert time.monotonic() - began < 30
    assert caught.value.hint
    assert not computer.running()


def overdue(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make that requirement's time a short one."""
    monkeypatch.setattr(ready, name, replace(getattr(ready, name), seconds=0.2))


@pytest.mark.parametrize(
    ("requirement", "fault", "stage"),
    [
        ("BOOTED", "mute", "starting systemd"),
        ("IDENTIFIED", "hangs", "mounting the data disk"),
        ("IDENTIFIED", "chatters", "thinking"),
        ("ANSWERED", "deaf", "starting the engine"),
    ],
)
def test_a_stage_that_takes_too_long_is_named(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, requirement: str, fault: str, stage: str
) -> None:
    overdue(monkeypatch, requirement)
    with pytest.raises(GuestError, match=f"{stage}: not done after 0.2 s") as caught:
        computer.up(fault=fault)
    assert caught.value.stage == stage
    assert caught.value.hint
    assert not computer.left()
    assert not computer.running()


def test_the_time_for_all_ends_a_stage_too(computer: Computer) -> None:
    with pytest.raises(GuestError, match=r"not done after 0\.3 s"):
        computer.up(fault="mute", timeout=0.3)
    assert not computer.running()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("fails", "mounting the data disk: no good"),
        ("refuses", "mounting the data disk: no space left"),
    ],
)
def test_what_the_guest_cannot_do_is_told_at_once_in_its_words(
    computer: Computer, fault: str, message: str
) -> None:
    with pytest.raises(GuestError) as caught:
        computer.up(fault=fault)
    assert caught.value.message == message
    assert not computer.left()


def test_ctrl_c_while_it_starts_leaves_nothing(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted: list[bool] = []

    def interrupt(_text: str) -> None:
        # Once, and not from the thread that follows the console: a person has one hand.
        if not interrupted and threading.current_thread() is threading.main_thread():
            interrupted.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(computer.report, "say", interrupt)
    with pytest.raises(KeyboardInterrupt):
        computer.up()
    assert not computer.running()
    assert not computer.left()


def test_ctrl_c_in_the_very_moment_of_the_start_leaves_nothing(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[process.Started] = []
    real_kill, real_start_time = launch.kill, lifetime.start_time

    def kill(started: process.Started) -> None:
        killed.append(started)
        real_kill(started)

    def start_time(pid: int, **options: bool) -> float | None:
        if not killed and not interrupted:
            interrupted.append(pid)
            os.kill(os.getpid(), signal.SIGINT)
        return real_start_time(pid, **options)

    interrupted: list[int] = []
    monkeypatch.setattr(launch, "kill", kill)
    monkeypatch.setattr(lifetime, "start_time", start_time)
    with pytest.raises(KeyboardInterrupt):
        computer.up()
    assert not computer.running()
    assert len(killed) == 1
    assert not computer.left()


def test_the_disk_of_a_start_that_never_came_up_is_made_anew(computer: Computer) -> None:
    record = computer.up().record
    computer.down(force=True)
    files = computer.files()
    # As a b2p leaves it that is killed while the guest makes its filesystem.
    records.write(files.record, replace(record, first_ready=""))
    with files.data_disk.open("r+b") as disk:
        disk.write(b"half a filesystem" * 100)
    computer.up()
    assert files.data_disk.stat().st_blocks == 0
    assert computer.record().first_ready


def test_a_disk_that_a_guest_has_mounted_is_never_made_anew(computer: Computer) -> None:
    record = computer.up().record
    computer.down(force=True)
    files = computer.files()
    records.write(files.record, replace(record, first_ready=""))
    mounted_disk(files.data_disk)
    computer.up()
    assert launch.was_mounted(files.data_disk)


def test_a_dry_run_ends_nothing(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    record = computer.up().record
    records.write(computer.files().record, replace(record, first_ready=""))
    computer.files().podman.unlink()
    monkeypatch.setattr("b2p.up.ANSWER_SECONDS", 0.1)
    assert not computer.up(dry_run=True).was_running
    assert computer.running() == [record.pid]


def test_a_disk_without_its_record_is_not_taken_for_a_new_machines(computer: Computer) -> None:
    computer.up()
    computer.down(force=True)
    files = computer.files()
    mounted_disk(files.data_disk)
    files.record.unlink()
    with pytest.raises(StateError, match=r"holds a disk, but no machine\.json") as caught:
        computer.up()
    assert "b2p rm -f default" in caught.value.hint
    assert files.data_disk.exists()


def test_a_failed_start_leaves_an_old_machine_as_it_was(computer: Computer) -> None:
    computer.up()
    computer.down(force=True)
    before = computer.record()
    mounted_disk(computer.files().data_disk)
    with pytest.raises(GuestError):
        computer.up(fault="dies", memory=4 << 30, extra=("-no-such-option",))
    assert computer.record() == before
    assert computer.files().data_disk.stat().st_blocks > 0
    assert "-no-such-option" not in computer.up().command


def test_a_disk_grows_and_does_not_shrink(computer: Computer) -> None:
    computer.up()
    computer.down(force=True)
    computer.up(disk=2 << 30)
    assert computer.files().data_disk.stat().st_size == 2 << 30
    computer.down(force=True)
    with pytest.raises(UsageError, match="cannot shrink to 1GiB"):
        computer.up(disk=1 << 30)
    assert computer.files().data_disk.stat().st_size == 2 << 30
    assert computer.record().disk_bytes == 2 << 30


def test_more_memory_than_the_computer_has_is_refused_before_anything_is_fetched(
    computer: Computer,
) -> None:
    with pytest.raises(UsageError, match="this computer has 8192"):
        computer.up(memory=9 << 30)
    assert not computer.asked_for
    assert not computer.left()


def test_what_was_decided_holds_until_something_else_is_asked_for(computer: Computer) -> None:
    computer.up(memory=1 << 30, cpus=3, extra=("-device", "x"))
    computer.down(force=True)
    again = computer.up().record
    assert (again.memory_mib, again.cpus, again.extra) == (1024, 3, ("-device", "x"))
    assert computer.asked_for == ["", "0123"]


def test_a_slow_processor_is_warned_of_with_the_remedy(computer: Computer) -> None:
    problem = "/dev/kvm hangs; load kvm_intel"
    computer.host = replace(HOST, accelerator="tcg", accelerator_problem=problem)
    computer.up(dry_run=True)
    assert computer.report.warnings == [
        "emulating the processor, which is slow: /dev/kvm hangs; load kvm_intel"
    ]


def test_a_running_machine_without_an_engine_is_told_what_to_do(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.up()
    computer.files().podman.unlink()
    monkeypatch.setattr("b2p.up.ANSWER_SECONDS", 0.1)
    with pytest.raises(GuestError, match="runs, but does not answer") as caught:
        computer.up()
    assert caught.value.hint == "b2p down --force default && b2p up default"


def test_a_qemu_that_hangs_is_not_started_a_second_time(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = computer.up().record
    monkeypatch.setattr("b2p.control.liveness.TIMEOUT", 0.1)
    monkeypatch.setattr("b2p.control.liveness.ask_all.__defaults__", (0.1,))
    os.kill(record.pid, signal.SIGSTOP)
    with pytest.raises(StateError, match="QEMU runs, but does not answer") as caught:
        computer.up()
    assert "b2p down --force default" in caught.value.hint
    assert computer.running() == [record.pid]


def test_a_disk_that_is_gone_is_not_replaced_by_an_empty_one(computer: Computer) -> None:
    computer.up()
    computer.down(force=True)
    computer.files().data_disk.unlink()
    with pytest.raises(StateError, match=r"its disk .* is gone"):
        computer.up()
    assert not computer.files().data_disk.exists()
