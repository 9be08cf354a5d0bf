"""The story of `b2p down`: the guest is asked, then QEMU, then the kernel; the exit is success."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from b2p import launch, resume, status
from b2p.control.errors import GoneError
from b2p.errors import B2PError, GuestError
from b2p.host import process
from b2p.host.process import Started
from b2p.machine import state
from b2p.store import lock, places, saved
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.report import Report, Task
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record
    from b2p.store.saved import Saved

AGENT_SECONDS = 10.0
MONITOR_SECONDS = 2.0
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
    if not orphans(files):
        status.known(layout, name)
    places.prepare(layout)
    with hold(files, report, "b2p down") as held:
        record = records.read(files.record)
        found = qemus(record) if record else orphans(files)
        if record and saved.exists(files):
            found = _woken(record, files, report, found, force=force)
        if not found:
            report.note(f"machine {name!r} is not running")
        else:
            with report.task(f"stopping machine {name!r}") as task:
                for started in found:
                    stop(started, files, task, grace=0 if force else timeout)
        launch.clear(files)
        if record is None:
            held.discard()


def _woken(
    record: Record, files: MachineFiles, report: Report, found: list[Started], *, force: bool
) -> list[Started]:
    """A suspended machine's QEMU: it is resumed, so that its services stop in good order.

    None where that cannot be, or with `force`: then what it had in memory is given up.
    """
    for started in found:
        launch.kill(started)
    stored = saved.read(files)
    if stored and not force and not state.difference(_stamps(stored), saved.stamps(files)):
        try:
            with report.task(f"resuming machine {record.name!r} to stop it"):
                return [_resumed(record, files, stored.command)]
        except B2PError as error:
            report.warn(f"machine {record.name!r} cannot be resumed: {error.message}")
    saved.discard(files)
    report.note(f"what machine {record.name!r} had in memory is gone; its data is on its disk")
    return []


def _stamps(stored: Saved) -> dict[str, str]:
    return {name: value for name, value in stored.fields.items() if name in saved.STAMPED}


def _resumed(record: Record, files: MachineFiles, command: tuple[str, ...]) -> Started:
    def keep(_monitor: object, started: Started) -> None:
        now = replace(record, pid=started.pid, pid_start=started.start_time)
        records.write(files.record, now)

    # It only stops: nothing is mounted for that.
    return resume.resume(
        files, command, keep, lambda: {"mounts": []}, warn=lambda _text, _hint: None
    )


@contextlib.contextmanager
def hold(
    files: MachineFiles, report: Report, command: str, *, wait: float = LOCK_WAIT_SECONDS
) -> Iterator[lock.Lock]:
    """The machine's lock for a verb that ends it."""
    with lock.hold(
        files.lock,
        command=command,
        wait=wait,
        on_wait=lambda holder: report.note(f"waiting for {holder or 'another b2p'}"),
    ) as held:
        yield held


def qemus(record: Record) -> list[Started]:
    """The machine's QEMU: by its record, else by its UUID in the process table.

    The record lacks it where a b2p was killed while it started the machine.
    """
    known = Started(record.pid, record.pid_start)
    if record.pid and process.alive(known.pid, known.start_time):
        return [known]
    return process.find_by_uuid(record.uuid)


def orphans(files: MachineFiles) -> list[Started]:
    """The QEMU at the sockets of a machine whose record is lost or broken."""
    if files.record.exists() or not files.calls.is_socket():
        return []
    return at_socket(files)


def at_socket(files: MachineFiles) -> list[Started]:
    """Whoever answers at the machine's second monitor."""
    from b2p.control.monitor import Monitor

    with contextlib.suppress(B2PError), Monitor(files.calls, timeout=MONITOR_SECONDS) as monitor:
        return process.find_by_uuid(monitor.query_uuid())
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
    """Whether the guest was told to power off; its exit is what counts."""
    from b2p.control.guest import GuestPort
    from b2p.control.monitor import Monitor

    with contextlib.suppress(B2PError):
        if files.control.is_socket():
            with GuestPort(files.control) as port:
                port.ask("poweroff", timeout=AGENT_SECONDS)
        else:
            # A guest without b2p's agent has a power button at least.
            with Monitor(files.qmp, timeout=MONITOR_SECONDS) as monitor:
                monitor.powerdown()
        return True
    return False


def _told_to_quit(files: MachineFiles) -> bool:
    from b2p.control.monitor import Monitor

    try:
        with Monitor(files.qmp, timeout=MONITOR_SECONDS) as monitor:
            monitor.quit()
    except GoneError:
        return True
    except B2PError:
        return False
    return True
