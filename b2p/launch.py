"""Starting a machine's QEMU: keys, disk, sockets, process, monitor. What fails is undone."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from b2p.client import ssh
from b2p.control.errors import RefusedError
from b2p.errors import GuestError, HostError
from b2p.host import process
from b2p.machine import ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from b2p.control.monitor import Monitor
    from b2p.host.process import Started
    from b2p.store.layout import Layout, MachineFiles

QMP_SECONDS = 20.0
PAUSE = 0.01
NETWORK = "net0"


def prepare_keys(layout: Layout, files: MachineFiles) -> None:
    """The user's ssh key and the machine's host key, known to ssh before the first connection."""
    ssh.ensure_key(layout.user_key, process.run)
    public = ssh.ensure_key(files.host_key, process.run)
    files.known_hosts.write_text(ssh.known_hosts(files.home.name, public))


def prepare_disk(files: MachineFiles, size: int) -> None:
    """A sparse data disk of that many bytes; one that is there grows."""
    try:
        with files.data_disk.open("ab") as disk:
            if disk.tell() < size:
                disk.truncate(size)
    except OSError as error:
        raise HostError(
            f"the disk {str(files.data_disk)!r} cannot be made: {error.strerror}",
            "make room there, or give the machine a smaller disk",
        ) from error


def start(command: Sequence[str], files: MachineFiles) -> Started:
    """Start QEMU; it outlives us. Its log and the console's begin anew."""
    for socket in files.sockets:
        socket.unlink(missing_ok=True)
    for log in (files.console_log, files.qemu_log):
        log.unlink(missing_ok=True)
        log.touch(mode=0o600)
    return process.launch(command, log=files.qemu_log)


def connect(files: MachineFiles, started: Started) -> Monitor:
    """The monitor of a QEMU that was just started, not yet entered; its death is told at once."""
    from b2p.control.monitor import Monitor

    deadline = time.monotonic() + QMP_SECONDS
    while not files.qmp.is_socket():
        if not process.alive(started.pid, started.start_time):
            raise died(files, started, "starting QEMU")
        if time.monotonic() > deadline:
            raise GuestError(
                "starting QEMU",
                f"its monitor was not there after {QMP_SECONDS:g} s",
                "try again when the computer is less busy",
                details=evidence(files),
            )
        time.sleep(PAUSE)
    return Monitor(files.qmp, timeout=QMP_SECONDS)


def forward_ssh(monitor: Monitor, wish: int) -> int:
    """Lead a port of 127.0.0.1 to the guest's ssh: the wished one if it is free, else any.

    Asked of QEMU, which holds the port from then on: nobody can take it in between.
    """
    for port in dict.fromkeys((wish, 0)):
        with contextlib.suppress(RefusedError):
            monitor.add_forward(NETWORK, f"tcp:127.0.0.1:{port}-:{ports.SSH}")
            return monitor.host_port(ports.SSH) or 0
    raise HostError("no port of 127.0.0.1 is free for ssh", "close some programs and try again")


def died(files: MachineFiles, started: Started, stage: str) -> GuestError:
    """QEMU is gone: its status and its own words."""
    status = process.exit_status(started.pid)
    told = "" if status is None else f" with status {status}" if status >= 0 else " by a signal"
    return GuestError(stage, f"QEMU ended{told}", "see what it says", details=evidence(files))


def evidence(files: MachineFiles) -> str:
    """QEMU's stderr and the console's last lines, safe to show."""
    from b2p.control.plain import tail

    with contextlib.suppress(OSError):
        return "\n".join(filter(None, (tail(files.qemu_log, 8), tail(files.console_log, 12))))
    return ""


def kill(started: Started) -> None:
    """End a QEMU at once; nothing happens where it has gone."""
    if process.terminate(started.pid, started.start_time, force=True):
        process.await_exit(started.pid, started.start_time, timeout=10)
