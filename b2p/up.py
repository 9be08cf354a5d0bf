"""The story of `b2p up`: lock, host, image, machine, launch, ready, report."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p import decision, engine, launch, resume, standstill, status, tell
from b2p.control.errors import GoneError
from b2p.down import qemus
from b2p.ending import Ending
from b2p.errors import B2PError, GuestError, StateError
from b2p.host import computer
from b2p.start import Start
from b2p.store import lock, places, saved
from b2p.store import record as records
from b2p.ways import Context

if TYPE_CHECKING:
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

LOCK_WAIT_SECONDS = 600.0
STATUS_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""For the engine of a machine that runs already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What came of it."""

    record: Record
    command: tuple[str, ...]
    """The words that start (or, in a dry run, would start) QEMU."""
    was_running: bool = False


def up(
    name: str,
    settings: Settings,
    layout: Layout,
    report: Report,
    *,
    dry_run: bool = False,
    default: bool = False,
    provision: bool = False,
    extra: tuple[str, ...] = (),
) -> Up:
    """Start the machine, made on first use, and wait until its engine answers.

    A machine that runs is left as it is. With `default` podman and docker here go there unless they
    are told; with `provision` the scripts of its first start run again. Raises B2PError; what was
    begun is then undone, unless it is a script that failed.
    """
    files = layout.machine(name)
    context = Context(name, settings, layout, report)
    ending = Ending(context, default=default, provision=provision)
    places.prepare(layout)
    with lock.hold(
        files.lock,
        command="b2p up",
        wait=LOCK_WAIT_SECONDS,
        on_wait=lambda holder: report.note(f"waiting for {holder or 'another b2p'}"),
    ) as held:
        try:
            before = _with_arch(records.read(files.record))
            if before and (
                running := _running(before, settings, layout, report, extra, dry_run=dry_run)
            ):
                if dry_run:
                    return running
                running = replace(running, record=_changed_at_once(running.record, settings, files))
                tell.again(settings, running.record, files, report)
                return replace(running, record=ending.of(running.record))
            start = Start(context, before=before, extra=extra, now=_now())
            record, command = start.shown() if dry_run else start.done()
            if problem := decision.sleepless(record):
                report.warn(problem, "idle_suspend = 'off' is what holds")
            return Up(record=record if dry_run else ending.of(record), command=command)
        finally:
            # A dry run, or a first start that was undone.
            if not files.home.exists():
                held.discard()


def _with_arch(before: Record | None) -> Record | None:
    """The record with its architecture, which older ones leave out."""
    if before is None or before.arch:
        return before
    return replace(before, arch=computer.arch())


def _running(
    before: Record,
    settings: Settings,
    layout: Layout,
    report: Report,
    extra: tuple[str, ...],
    *,
    dry_run: bool,
) -> Up | None:
    """The answer for a machine that runs already and whose engine answers."""
    found = _settled(before, layout, report, dry_run=dry_run)
    if found.state in ("stopped", "suspended"):
        return None
    if found.run_state == standstill.RUN_STATE and not dry_run:
        standstill.end(found, report)
    elif found.run_state == status.WAITING and not dry_run:
        # It has not run for a moment: nothing can be lost.
        _end_rest(before, report)
        return None
    elif found.state == "broken":
        raise StateError(f"machine {before.name!r} is broken: {found.problem}", found.remedy)
    if not engine.answers(before, found.files, ANSWER_SECONDS):
        if _never_came_up(before, found.files):
            if dry_run:
                return None
            _end_rest(before, report)
            return None
        raise GuestError(
            "asking the engine",
            f"machine {before.name!r} runs, but does not answer",
            f"b2p down --force {before.name} && b2p up {before.name}",
        )
    adopted = before if dry_run else _adopted(before, settings, layout, report)
    if adopted is None:
        return None
    before = adopted
    now = decision.changed_at_once(before, settings)
    for difference in decision.differences(now, settings, extra=extra or None):
        report.warn(
            f"{difference} is not in force yet: machine {before.name!r} runs",
            f"restart it: b2p down {before.name} && b2p up {before.name}",
        )
    report.note(f"machine {before.name!r} is running")
    return Up(record=before, command=before.command, was_running=True)


def _adopted(before: Record, settings: Settings, layout: Layout, report: Report) -> Record | None:
    """The machine as one that has come up, whoever began that; None where it begins anew."""
    if before.first_ready:
        return before
    # The b2p that started it was killed, perhaps before the guest was told who it is.
    if not tell.whole(layout, settings, before, report):
        _end_rest(before, report)
        return None
    # From now on its disk matters.
    adopted = replace(before, first_ready=_now())
    records.write(layout.machine(before.name).record, adopted)
    return adopted


def _end_rest(before: Record, report: Report) -> None:
    """End what is left of a start whose b2p was killed."""
    report.warn(f"the last start of machine {before.name!r} was broken off; it begins anew")
    _kill(before)


def _kill(before: Record) -> None:
    """End whatever QEMU the machine has, recorded or not."""
    for started in qemus(before):
        launch.kill(started)


def _changed_at_once(before: Record, settings: Settings, files: MachineFiles) -> Record:
    """The record with what needs no restart: the guest is told it, see tell.py."""
    after = decision.changed_at_once(before, settings)
    if after != before:
        records.write(files.record, after)
    return after


def _settled(before: Record, layout: Layout, report: Report, *, dry_run: bool) -> status.Status:
    """How the machine is, once what a `suspend` or a resume that was killed left is put right.

    A dry run puts nothing right.
    """
    (found,) = status.of_records([before], layout)
    if dry_run:
        return found
    if found.state in ("suspended", "stopped"):
        # One that has saved its state and was not ended, that was about to be resumed, or whose b2p
        # was killed before it wrote down the pid: two QEMUs on one disk would ruin it.
        _kill(before)
    elif found.stands_still:
        report.warn(f"machine {before.name!r} stood still, half suspended; it runs on")
        try:
            resume.revive(found.files)
        except GoneError:
            # It was about to end. What it was to keep is on its disk, which had come to rest.
            _kill(before)
        (found,) = status.of_records([before], layout)
    if found.state == "running":
        saved.discard(found.files)
    return found


def _never_came_up(record: Record, files: MachineFiles) -> bool:
    """Whether nothing can run in it yet: its b2p was killed before it was told who it is."""
    from b2p.control.guest import GuestPort

    if not record.first_ready:
        return True
    with contextlib.suppress(B2PError), GuestPort(files.control) as port:
        return port.ask("status", timeout=STATUS_SECONDS).get("ready") is False
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
