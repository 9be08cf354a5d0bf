"""The story of a resume: what `up` does with a machine that was suspended."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from b2p import launch
from b2p.control import snapshot
from b2p.errors import B2PError, GuestError
from b2p.host import computer, process
from b2p.machine import state
from b2p.store import saved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from b2p.control.monitor import Monitor
    from b2p.host.process import Started
    from b2p.report import Report
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record
    from b2p.store.saved import Saved

MONITOR_SECONDS = 5.0
AWAKE_SECONDS = 30.0
ATTEMPT_SECONDS = 5.0
STAGE = "resuming"


def fitting(
    files: MachineFiles, record: Record, command: Sequence[str], report: Report, *, qemu: str
) -> Saved | None:
    """The machine's saved state, if it can be resumed by that command; else why not is told."""
    if not saved.exists(files):
        return None
    found = saved.read(files)
    if found is None:
        reason = "its manifest is damaged"
    else:
        reason = state.difference(found.fields, _fields(files, record, command, qemu))
    if not reason:
        return found
    report.warn(
        f"the saved state of machine {record.name!r} does not fit: {reason}",
        "it boots anew; its data is on its disk",
    )
    return None


def _fields(
    files: MachineFiles, record: Record, command: Sequence[str], qemu: str
) -> dict[str, str]:
    return {
        **state.fields(command, qemu=qemu, processor=computer.processor()),
        **saved.stamps(files, record.disk_bytes),
    }


def resume(
    files: MachineFiles,
    command: Sequence[str],
    connect: Callable[[Monitor, Started], object],
    news: Callable[[], Mapping[str, Any]],
    *,
    warn: Callable[[str, str], None],
) -> Started:
    """Start QEMU with the saved state, and let the machine run on.

    `connect` is called before the machine runs; `news` is what it is told then, and `warn` hears
    what it could not do. What fails or is broken off before that leaves the state as it was; after
    that the state is gone and the machine runs, or (B2PError) nothing does.
    """
    with ExitStack() as undo:
        started = launch.start([*command, *state.INCOMING], files, undo, anew=False)
        with launch.deaths_told(files, started, STAGE), launch.connected(files, started) as monitor:
            snapshot.load(monitor, files.saved_state)
            connect(monitor, started)
            # From here on there is nothing to go back to.
            going_back = undo.pop_all()
            try:
                saved.disown(files)
                snapshot.go_on(monitor)
                _await_awake(files, started, news(), warn)
            except B2PError:
                going_back.close()
                raise
    with suppress(OSError):
        process.remove_beside(saved.put_away(files))
    return started


def _await_awake(
    files: MachineFiles,
    started: Started,
    news: Mapping[str, Any],
    warn: Callable[[str, str], None],
) -> None:
    """The guest has the time and writes to its disk again, and its engine answers."""
    from b2p.client import api

    def still_alive() -> bool:
        return process.alive(started.pid, started.start_time)

    with ThreadPoolExecutor(1) as beside:
        ping = beside.submit(
            api.await_ping,
            files.podman,
            timeout=AWAKE_SECONDS,
            still_alive=still_alive,
            attempt=ATTEMPT_SECONDS,
        )
        _tell(files, still_alive, news, warn)
        if not ping.result():
            raise GuestError(STAGE, "the engine does not answer", "see 'b2p logs'")


def _tell(
    files: MachineFiles,
    still_alive: Callable[[], bool],
    news: Mapping[str, Any],
    warn: Callable[[str, str], None],
) -> None:
    """Tell the guest that time has gone by, and to write to its disk again."""
    from b2p.control.guest import GuestPort
    from b2p.ready import told_problems

    with GuestPort(files.control, still_alive=still_alive) as port:
        number = port.send("identity", **{"time": time.time(), **news})
        for event in port.events(AWAKE_SECONDS):
            if event.get("event") == "ready":
                told_problems(event, warn)
                return
            if event.get("id") == number:
                break
    raise GuestError(STAGE, "the guest does not wake up", "see 'b2p logs'")


def revive(files: MachineFiles) -> None:
    """Let a machine run on whose `suspend` (or resume) was killed while it stood still."""
    from b2p.control.monitor import Monitor

    with Monitor(files.qmp, timeout=MONITOR_SECONDS) as monitor:
        snapshot.abandon(monitor)
    with suppress(B2PError):
        _tell(files, lambda: True, {}, lambda _text, _hint: None)
