"""The story of `b2p suspend`: the disk comes to rest, the memory goes to a file, QEMU ends."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p import launch, sizes, sleep, status
from b2p.control import monitor, snapshot
from b2p.control.errors import GoneError
from b2p.control.guest import GuestPort
from b2p.down import LOCK_WAIT_SECONDS, hold, qemus, stop
from b2p.errors import B2PError, BusyError, GuestError, HostError, UsageError
from b2p.host import computer
from b2p.machine import state
from b2p.plain import line
from b2p.store import places, saved, users
from b2p.store.saved import Saved

if TYPE_CHECKING:
    from b2p.report import Report, Task
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

FREEZE_SECONDS = 30.0
"""For the guest to write all that it has in memory of its disk."""
UNMOUNT_SECONDS = 30.0
THAW_SECONDS = 5.0
STAGE = "suspending"


def suspend(name: str, layout: Layout, report: Report, *, by_itself: bool = False) -> None:
    """Keep the machine as it is, in a file, and end its QEMU; `up` resumes it.

    One that is suspended is fine too. Raises UsageError where it does not run; where it cannot be
    saved it runs on. With `by_itself` nobody asked for it: then it is done only where nobody needs
    the machine, here or in it (BusyError, GuestError).
    """
    files = layout.machine(name)
    status.known(layout, name)
    places.prepare(layout)
    who, wait = (sleep.COMMAND, 0) if by_itself else ("b2p suspend", LOCK_WAIT_SECONDS)
    with hold(files, report, who, wait=wait):
        record = status.known(layout, name)
        (found,) = status.of_records([record], layout)
        if found.state == "suspended":
            report.note(f"machine {name!r} is suspended")
            return
        status.must_run(found)
        if record.family:
            raise UsageError(
                f"machine {name!r} is made of {record.family}, whose guest cannot be told to rest",
                f"stop it instead: b2p down {name}",
            )
        if by_itself:
            _refuse_needed(record, files)
        with report.task(f"suspending machine {name!r}") as task:
            running = qemus(record)
            with ExitStack() as stack:
                for started in running:
                    stack.enter_context(launch.deaths_told(files, started, STAGE))
                _save(record, files, task, by_itself=by_itself)
            for started in running:
                stop(started, files, task, grace=0)
            launch.clear(files)
    used = sizes.rounded(status.used_bytes(files.saved_state))
    report.note(f"machine {name!r} is suspended, in {used}; 'b2p up {name}' resumes it")


def _refuse_needed(record: Record, files: MachineFiles) -> None:
    """Raise BusyError where somebody on this computer needs the machine, or nobody wants it so."""
    with monitor.Monitor(files.calls) as calls:
        sits = calls.is_taken("console")
    if sits or users.in_use(files.users) or not record.idle_suspend:
        raise BusyError(f"machine {record.name!r} is needed", "suspend it yourself")


def _save(record: Record, files: MachineFiles, task: Task, *, by_itself: bool) -> None:
    """From running to saved; whatever fails on the way, the machine runs on."""
    saved.discard(files)
    with ExitStack() as undo:
        undo.callback(files.saved_state.unlink, missing_ok=True)
        undo.callback(_thaw, files)
        task.say("the guest lets go of this computer's directories")
        _unmount(record.name, files, if_idle=by_itself)
        task.say("the guest writes its data to its disk")
        _freeze(files, if_idle=by_itself)
        task.say("saving its memory")
        with monitor.Monitor(files.qmp) as qmp, ExitStack() as stopped:
            stopped.callback(snapshot.abandon, qmp)
            try:
                snapshot.save(qmp, files.saved_state)
                saved.settle(files)
            except GoneError:
                raise
            except (B2PError, OSError) as error:
                raise _not_saved(files, error) from error
            saved.write(files, _manifest(record, files, by_itself=by_itself))
            stopped.pop_all()
        undo.pop_all()


def _unmount(name: str, files: MachineFiles, *, if_idle: bool) -> None:
    """QEMU saves no machine that has a directory of the host mounted."""
    with GuestPort(files.control) as port:
        held = port.ask("unmount", timeout=UNMOUNT_SECONDS, if_idle=if_idle).get("held")
    if isinstance(held, list) and held:
        raise GuestError(
            STAGE,
            f"directories of this computer are in use: {', '.join(line(str(one)) for one in held)}",
            f"end that first (a container: b2p podman stop NAME), or stop it all: b2p down {name}",
        )


def _freeze(files: MachineFiles, *, if_idle: bool) -> None:
    try:
        with GuestPort(files.control) as port:
            number = port.send("freeze", if_idle=if_idle)
            monitor.warm_up()
            port.answer("freeze", number, timeout=FREEZE_SECONDS)
    except GoneError:
        raise
    except B2PError as error:
        raise GuestError(
            STAGE,
            f"its disk does not come to rest: {error.message}",
            "the machine runs on; try again when it is less busy",
        ) from error


def _thaw(files: MachineFiles) -> None:
    # Where even that fails: the guest does it by itself after a while.
    with contextlib.suppress(B2PError), GuestPort(files.control) as port:
        port.ask("thaw", timeout=THAW_SECONDS)


def _not_saved(files: MachineFiles, error: Exception) -> HostError:
    reason = getattr(error, "message", "") or getattr(error, "strerror", "") or str(error)
    return HostError(
        f"the machine's memory cannot be saved: {reason}",
        f"it runs on; see that there is room for it at {str(files.home)!r}",
    )


def _manifest(record: Record, files: MachineFiles, *, by_itself: bool) -> Saved:
    now = datetime.now(UTC)
    fields = state.fields(record.command, qemu=record.qemu, processor=computer.processor())
    return Saved(
        command=record.command,
        fields={**fields, **saved.stamps(files)},
        saved_at=now.isoformat(timespec="seconds"),
        by_itself=by_itself,
    )
