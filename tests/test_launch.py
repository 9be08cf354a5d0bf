"""The small steps of a start; the whole is in test_up.py."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from b2p import launch
from b2p.control.errors import GoneError
from b2p.control.monitor import Monitor
from b2p.errors import GuestError, HostError, StateError
from b2p.host import process
from b2p.host.process import Started
from b2p.store.layout import Layout, MachineFiles
from tests.fakes import QmpServer, short_directory
from tests.fakes_story import keys_at_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = Started(pid=0, start_time=0.0)
TABLE = "  TCP[HOST_FORWARD]  13  127.0.0.1  50022  10.0.2.15  22  0  0\r\n"


@pytest.fixture
def files() -> Iterator[MachineFiles]:
    """The directories of a machine, both empty."""
    with short_directory() as root:
        found = MachineFiles(home=root / "web", run=root / "r")
        found.home.mkdir()
        found.run.mkdir()
        yield found


@pytest.fixture
def sleeper(files: MachineFiles) -> Iterator[Started]:
    """A process that is not a QEMU, but lives."""
    with ExitStack() as undo:
        yield launch.start(["sleep", "30"], files, undo)


def test_a_disk_is_sparse_and_only_grows(files: MachineFiles) -> None:
    launch.prepare_disk(files, 5 << 30)
    assert files.data_disk.stat().st_size == 5 << 30
    assert files.data_disk.stat().st_blocks == 0
    launch.prepare_disk(files, 1 << 30)
    assert files.data_disk.stat().st_size == 5 << 30


def test_a_disk_that_cannot_be_made_is_told(files: MachineFiles) -> None:
    with pytest.raises(HostError, match=r"File too large|Invalid argument") as caught:
        launch.prepare_disk(files, (1 << 63) - 1)
    assert "smaller disk" in caught.value.hint


def test_a_new_machine_takes_no_disk_that_it_finds(files: MachineFiles) -> None:
    launch.refuse_orphan(files)
    files.data_disk.touch()
    launch.refuse_orphan(files)
    with files.data_disk.open("wb") as disk:
        disk.write(b"data")
        disk.flush()
        os.fsync(disk.fileno())
    with pytest.raises(StateError, match="holds a disk"):
        launch.refuse_orphan(files)


@pytest.mark.parametrize(
    ("magic", "mounts", "expected"),
    [(b"\x53\xef", 1, True), (b"\x53\xef", 0, False), (b"\0\0", 1, False)],
)
def test_what_a_guest_has_mounted_is_known_by_its_superblock(
    tmp_path: Path, magic: bytes, mounts: int, expected: bool
) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1024 + 52) + mounts.to_bytes(2, "little") + bytes(2) + magic + bytes(99))
    assert launch.was_mounted(disk) is expected


def test_a_disk_that_is_not_there_or_short_was_never_mounted(tmp_path: Path) -> None:
    assert not launch.was_mounted(tmp_path / "none")
    (tmp_path / "short").write_bytes(b"x" * 1050)
    assert not launch.was_mounted(tmp_path / "short")


def test_logs_begin_anew_and_old_sockets_go(files: MachineFiles) -> None:
    for path in (files.console_log, files.qemu_log, files.qmp):
        path.write_text("old")
    with ExitStack() as undo:
        started = launch.start(["sh", "-c", "echo new >&2"], files, undo)
        assert process.await_exit(started.pid, started.start_time, timeout=5)
        assert files.qemu_log.read_text() == "new\n"
        assert files.console_log.read_text() == ""
        assert not files.qmp.exists()


def test_what_was_started_ends_when_it_is_undone(files: MachineFiles) -> None:
    with ExitStack() as undo:
        started = launch.start(["sleep", "30"], files, undo)
        files.podman.touch()
        assert process.alive(started.pid, started.start_time)
    assert not process.alive(started.pid, started.start_time)
    assert not files.podman.exists()


def test_it_stays_when_the_undoing_is_called_off(files: MachineFiles) -> None:
    with ExitStack() as undo:
        started = launch.start(["sleep", "30"], files, undo)
        undo.pop_all()
    assert process.alive(started.pid, started.start_time)
    launch.kill(started)
    assert not process.alive(started.pid, started.start_time)
    launch.kill(started)


def test_the_wished_port_is_asked_for_first(files: MachineFiles) -> None:
    with (
        QmpServer(files.qmp, {"human-monitor-command": ""}) as server,
        Monitor(files.qmp) as monitor,
    ):
        launch.forward(monitor, 22, 50022)
    lines = [
        one["arguments"]["command-line"]
        for one in server.heard
        if one["execute"] == "human-monitor-command"
    ]
    assert lines == ["hostfwd_add net0 tcp:127.0.0.1:50022-:22", "info usernet"]


def test_a_monitor_that_comes_late_is_waited_for(files: MachineFiles, sleeper: Started) -> None:
    server = QmpServer(files.qmp, {"human-monitor-command": TABLE})
    # Named, but nobody listens yet: the moment between a bind and a listen.
    server._socket.bind(str(files.qmp))

    def listen() -> None:
        time.sleep(0.05)
        server._socket.listen()
        server._start(server._listen)

    thread = threading.Thread(target=listen)
    thread.start()
    with launch.connected(files, sleeper) as monitor:
        assert monitor.host_port(22) == 50022
    thread.join()
    server.__exit__()


def test_a_monitor_that_never_comes_is_told(
    files: MachineFiles, sleeper: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "QMP_SECONDS", 0.1)
    with (
        pytest.raises(GuestError, match=r"starting QEMU: its monitor did not answer within 0\.1"),
        launch.connected(files, sleeper),
    ):
        pass


def test_a_monitor_that_does_not_greet_is_told(
    files: MachineFiles, sleeper: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "QMP_SECONDS", 0.1)
    with (
        QmpServer(files.qmp, mute=True),
        pytest.raises(GuestError, match="its monitor did not answer"),
        launch.connected(files, sleeper),
    ):
        pass


def test_a_hang_up_of_a_qemu_that_lives_is_not_called_a_death(
    files: MachineFiles, sleeper: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "LAST_WORDS_SECONDS", 0.05)
    with pytest.raises(GoneError, match="hung up"), launch.deaths_told(files, sleeper):
        raise GoneError("it hung up")


def test_a_death_is_told_with_status_and_words(files: MachineFiles) -> None:
    with ExitStack() as undo:
        words = ["sh", "-c", "echo bad disk >&2; exit 3"]
        started = launch.start(words, files, undo)
        files.console_log.write_text("\x1b[31mBdsDxe: failed\n")
        with (
            pytest.raises(GuestError, match="QEMU ended with status 3") as caught,
            launch.deaths_told(files, started),
        ):
            raise GoneError("it hung up")
        assert caught.value.details == "bad disk\nBdsDxe: failed"


def test_evidence_of_nothing_is_nothing(files: MachineFiles) -> None:
    assert launch.evidence(files) == ""
    assert launch.died(files, NOBODY, "booting").message == "booting: QEMU ended"


def test_the_machines_key_is_known_to_ssh_before_the_first_connection(
    files: MachineFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b2p.client.ssh.ensure_key", keys_at_once)
    root = files.home.parent
    layout = Layout(data=root, cache=root, config=root, sockets=root)
    launch.prepare_keys(layout, files)
    assert files.known_hosts.read_text().startswith("b2p-web ssh-ed25519 ")
    assert files.known_hosts.stat().st_mode & 0o077 == 0
