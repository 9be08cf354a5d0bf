"""Starting a machine's QEMU: keys, disk, sockets, process, monitor. What fails is undone."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from b2p.calls import prepare as calls
from b2p.client import ssh
from b2p.control.errors import GoneError, RefusedError, SilentError
from b2p.errors import GuestError, HostError, StateError
from b2p.host import process
from b2p.image import overlay
from b2p.store import durable, sparse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from b2p.control.monitor import Monitor
    from b2p.host.process import Started
    from b2p.store.layout import Layout, MachineFiles

QMP_SECONDS = 20.0
LAST_WORDS_SECONDS = 1.0
"""What a QEMU that has hung up gets to end, so that its status and words are known."""
PAUSE = 0.01
NETWORK = "net0"
STARTING = "starting QEMU"


def prepare_keys(layout: Layout, files: MachineFiles) -> None:
    """The user's ssh key and the machine's host key, known to ssh before the first connection."""
    ssh.ensure_key(layout.user_key, process.run)
    public = ssh.ensure_key(files.host_key, process.run)
    durable.write(files.known_hosts, ssh.known_hosts(files.home.name, public).encode())


def refuse_orphan(files: MachineFiles) -> None:
    """No new machine goes where a disk lies whose machine.json was lost: StateError."""
    for disk in files.disks:
        with contextlib.suppress(OSError):
            if disk.stat().st_blocks:
                raise StateError(
                    f"{str(files.home)!r} holds a disk, but no {files.record.name}",
                    f"restore that file; or remove the disk too: b2p rm -f {files.home.name}",
                )


def prepare_disk(files: MachineFiles, size: int, *, is_new: bool = False) -> None:
    """A sparse data disk of that many bytes; one that is there grows.

    With `is_new`, one that no guest ever mounted is made anew: it may be half a filesystem.
    """
    if files.data_overlay.exists():
        overlay.grow(files.data_overlay, size)
        return
    try:
        if is_new and not was_mounted(files.data_disk):
            files.data_disk.unlink(missing_ok=True)
        with files.data_disk.open("ab") as disk:
            os.fchmod(disk.fileno(), sparse.PRIVATE)
            if disk.tell() < size:
                disk.truncate(size)
    except OSError as error:
        raise HostError(
            f"the disk {str(files.data_disk)!r} cannot be made: {error.strerror}",
            "make room there, or give the machine a smaller disk",
        ) from error


def was_mounted(disk: Path) -> bool:
    """Whether a guest has once mounted the ext4 there: from then on it may hold what matters.

    The superblock lies at 1024, its count of mounts at 52, its magic at 56; mkfs leaves a 0.
    """
    try:
        with disk.open("rb") as file:
            block = file.read(2048)[1024:]
    except FileNotFoundError:
        return False
    return block[56:58] == b"\x53\xef" and any(block[52:54])


def start(
    command: Sequence[str],
    files: MachineFiles,
    undo: ExitStack,
    *,
    anew: bool = True,
    keep: Sequence[int] = (),
) -> Started:
    """Start QEMU; it outlives us unless `undo` is closed.

    With `anew` its log and the console's begin anew; one that is resumed goes on with them.
    The descriptors in `keep` are QEMU's too.
    """
    clear(files)
    calls.prepare(files)
    for log in (files.console_log, files.qemu_log):
        if anew:
            log.unlink(missing_ok=True)
        log.touch(mode=0o600)
    undo.callback(clear, files)
    return process.launch(
        command,
        log=files.qemu_log,
        on_start=lambda started: undo.callback(kill, started),
        keep=keep,
    )


def clear(files: MachineFiles) -> None:
    """Remove the sockets that a QEMU which has ended left, and what its host calls were made of."""
    for path in (*files.sockets, files.call_script, files.token):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def connected(files: MachineFiles, started: Started) -> Iterator[Monitor]:
    """The monitor of a QEMU that was just started; raises GoneError when it ends."""
    with contextlib.ExitStack() as stack:
        deadline = time.monotonic() + QMP_SECONDS
        monitor = None
        while monitor is None:
            is_alive = process.alive(started.pid, started.start_time)
            try:
                monitor = _attempt(files, stack)
            except GoneError:
                # The socket has its name a moment before somebody listens.
                if not is_alive:
                    raise
            if monitor is None:
                if time.monotonic() > deadline:
                    raise _overdue(files)
                time.sleep(PAUSE)
        yield monitor


def _attempt(files: MachineFiles, stack: ExitStack) -> Monitor:
    from b2p.control.monitor import Monitor

    # Looked at first, since importing and connecting to nothing costs more than a look.
    if not files.qmp.is_socket():
        raise GoneError(f"no qemu at {str(files.qmp)!r}: it does not exist")
    try:
        return stack.enter_context(Monitor(files.qmp, timeout=QMP_SECONDS))
    except SilentError as error:
        raise _overdue(files) from error


def _overdue(files: MachineFiles) -> GuestError:
    return GuestError(
        STARTING,
        f"its monitor did not answer within {QMP_SECONDS:g} s",
        "try again when the computer is less busy",
        details=evidence(files),
    )


@contextlib.contextmanager
def deaths_told(files: MachineFiles, started: Started, stage: str = STARTING) -> Iterator[None]:
    """What fails because QEMU has ended is told as that, with QEMU's own words."""
    try:
        yield
    except GoneError as error:
        # It listens before it has looked at all of its options.
        limit = LAST_WORDS_SECONDS
        if not process.await_exit(started.pid, started.start_time, timeout=limit):
            raise
        raise died(files, started, stage) from error


def forward(monitor: Monitor, guest_port: int, wish: int) -> int:
    """Lead a port of 127.0.0.1 to one of the guest's: the wished one if it is free, else any.

    Asked of QEMU, which holds the port from then on: nobody can take it in between.
    """
    refused = ""
    for port in dict.fromkeys((wish, 0)):
        try:
            monitor.add_forward(NETWORK, f"tcp:127.0.0.1:{port}-:{guest_port}")
        except RefusedError as error:
            refused = error.message
        else:
            return monitor.host_port(guest_port) or 0
    raise HostError(
        "no port of 127.0.0.1 is free", "close some programs and try again", details=refused
    )


def died(files: MachineFiles, started: Started, stage: str) -> GuestError:
    """QEMU is gone: its status and its own words."""
    status = process.exit_status(started.pid)
    told = "" if status is None else f" with status {status}" if status >= 0 else " by a signal"
    return GuestError(stage, f"QEMU ended{told}", "see what it says", details=evidence(files))


def evidence(files: MachineFiles) -> str:
    """QEMU's stderr and the console's last lines, safe to show."""
    from b2p.plain import tail

    with contextlib.suppress(OSError):
        return "\n".join(filter(None, (tail(files.qemu_log, 8), tail(files.console_log, 12))))
    return ""


def kill(started: Started) -> None:
    """End a QEMU at once; nothing happens where it has gone."""
    process.terminate(started.pid, started.start_time, force=True)
    process.await_exit(started.pid, started.start_time, timeout=10)
