"""The story of `b2p down`: the guest is asked, then QEMU, then the kernel; the exit is success."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from b2p import status
from b2p.control import liveness
from b2p.control.errors import GoneError
from b2p.errors import B2PError, GuestError
from b2p.host import process
from b2p.host.process import Started
from b2p.store import lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.report import Report, Task
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

QUIT_SECONDS = 10.0
TERM_SECONDS = 5.0
KILL_SECONDS = 10.0
LOCK_WAIT_SECONDS = 60.0


def down(name: str, layout: Layout, report: Report, *, force: bool, timeout: float) -> None:
    """Power the machine off; its data stays. One that does not run is fine too.

    The guest has `timeout` seconds to stop its services; with `force` none. Raises UsageError
    where there is no such machine.
    """
    files = layout.machine(name)
    record = status.known(layout, name)
    with hold(files, report, "b2p down"):
        found = qemus(record, files)
        if not found:
            report.note(f"machine {name!r} is not running")
            return
        with report.task(f"stopping machine {name!r}") as task:
            for started in found:
                stop(started, files, task, grace=0 if force else timeout)
            _clear(files)


@contextlib.contextmanager
def hold(files: MachineFiles, report: Report, command: str) -> Iterator[lock.Lock]:
    """The machine's lock for a verb that ends it."""
    with lock.hold(
        files.lock,
        command=command,
        wait=LOCK_WAIT_SECONDS,
        on_wait=lambda holder: report.note(f"waiting for {holder or 'another b2p'}"),
    ) as held:
        yield held


def qemus(record: Record, files: MachineFiles) -> list[Started]:
    """The machine's QEMU: by its record, else by its UUID in the process table."""
    known = Started(record.pid, record.pid_start)
    if record.pid and process.alive(known.pid, known.start_time):
        return [known]
    if liveness.answers(files.qmp, record.uuid) or liveness.answers(files.calls, record.uuid):
        return process.find_by_uuid(record.uuid)
    return []


def stop(started: Started, files: MachineFiles, task: Task, *, grace: float) -> None:
    """The ladder: the guest's own power-off, QEMU's quit, SIGTERM, SIGKILL.

    `grace` is what the guest gets, in seconds; 0 skips it. Raises GuestError when even SIGKILL
    does not end it.
    """
    if grace:
        task.say("the guest stops its containers and services")
        if _powered_off(files) and _gone(started, grace):
            return
    task.say("ending QEMU")
    if _told_to_quit(files) and _gone(started, QUIT_SECONDS):
        return
    for force, seconds in ((False, TERM_SECONDS), (True, KILL_SECONDS)):
        process.terminate(started.pid, started.start_time, force=force)
        if _gone(started, seconds):
            return
    raise GuestError(
        "stopping", f"process {started.pid} does not end", "restart the computer, and report this"
    )


def _gone(started: Started, seconds: float) -> bool:
    return process.await_exit(started.pid, started.start_time, timeout=seconds)


def _powered_off(files: MachineFiles) -> bool:
    """Whether the agent, or else the power button, was told; the exit is what counts."""
    from b2p.control.guest import GuestPort

    with contextlib.suppress(B2PError):
        with GuestPort(files.control) as port:
            port.ask("poweroff", timeout=10)
        return True
    return False


def _told_to_quit(files: MachineFiles) -> bool:
    from b2p.control.monitor import Monitor

    try:
        with Monitor(files.qmp, timeout=2) as monitor:
            monitor.quit()
    except GoneError:
        return True
    except B2PError:
        return False
    return True


def _clear(files: MachineFiles) -> None:
    for socket in files.sockets:
        socket.unlink(missing_ok=True)
