"""The stories of `b2p snapshot`: names for states of a stopped machine's disk, without copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from b2p import status
from b2p.down import hold
from b2p.errors import UsageError
from b2p.names import checked
from b2p.store import places
from b2p.store import snapshots as kept

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from b2p.report import Report
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.snapshots import Snapshot


def create(machine: str, name: str, layout: Layout, report: Report, *, now: str) -> Snapshot:
    """Keep the disk of a stopped machine as it is under a name."""
    _checked(name)
    with _stopped(machine, layout, report):
        files = layout.machine(machine)
        if any(one.name == name for one in kept.listing(files)):
            raise UsageError(
                f"machine {machine!r} has a snapshot {name!r} already",
                f"take another name, or remove that one: b2p snapshot rm {name}",
            )
        if not kept.top(files)[0].exists():
            raise UsageError(f"machine {machine!r} has no disk yet", f"start it: b2p up {machine}")
        return kept.create(files, name, now)


def restore(machine: str, name: str, layout: Layout, report: Report) -> None:
    """Have the disk of a stopped machine as it was."""
    with _stopped(machine, layout, report):
        files = layout.machine(machine)
        kept.restore(files, _known(machine, files, name))


def remove(machine: str, names: tuple[str, ...], layout: Layout, report: Report) -> None:
    """Forget snapshots; the machine's disk stays as it is."""
    with _stopped(machine, layout, report):
        files = layout.machine(machine)
        unwanted = [_known(machine, files, name) for name in names]
        for one in unwanted:
            kept.remove(files, one)


def listing(machine: str, layout: Layout) -> list[dict[str, Any]]:
    """For programs: keys are only ever added."""
    status.known(layout, machine)
    files = layout.machine(machine)
    return [
        {
            "name": one.name,
            "created": one.created,
            "used_bytes": kept.used_bytes(files, one.folder),
        }
        for one in kept.listing(files)
    ]


def _known(machine: str, files: MachineFiles, name: str) -> Snapshot:
    found = kept.listing(files)
    for one in found:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in found) or "none yet"
    raise UsageError(f"machine {machine!r} has no snapshot {name!r}", f"it has: {names}")


def _checked(name: str) -> None:
    try:
        checked(name)
    except UsageError as error:
        raise UsageError(f"{name!r} cannot be a snapshot's name", error.hint) from None


def _stopped(machine: str, layout: Layout, report: Report) -> AbstractContextManager[object]:
    """The lock of a machine that does not run and is of a kind whose disk b2p knows."""
    from contextlib import ExitStack

    status.known(layout, machine)
    places.prepare(layout)
    with ExitStack() as stack:
        stack.enter_context(hold(layout.machine(machine), report, "b2p snapshot"))
        record = status.known(layout, machine)
        (found,) = status.of_records([record], layout)
        if found.state != "stopped":
            way = "b2p up, then b2p down" if found.state == "suspended" else "b2p down"
            raise UsageError(
                f"machine {machine!r} is {found.state}: snapshots are of stopped ones",
                f"stop it first: {way} {machine}",
            )
        if record.family:
            raise UsageError(
                f"machine {machine!r} is made of {record.family}: "
                "snapshots are of machines of b2p's own image",
                "make one of those: b2p up NAME",
            )
        return stack.pop_all()
