"""The story of `b2p clone`: another machine with the same disk, and memory if it sleeps."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p import launch, status
from b2p.down import hold
from b2p.errors import HostError, UsageError
from b2p.machine import state
from b2p.machine.argv import escaped
from b2p.remove import erase
from b2p.store import places, saved, sparse
from b2p.store import record as records

if TYPE_CHECKING:
    from b2p.report import Report
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record
    from b2p.store.saved import Saved


def clone(source: str, name: str, layout: Layout, report: Report) -> Record:
    """Make machine `name` of one that is stopped or suspended; it is told who it is by its `up`.

    Raises UsageError where there is no such source, where it runs, or where `name` is taken.
    """
    if source == name:
        raise UsageError(f"machine {name!r} cannot be its own clone", "give the clone another name")
    status.known(layout, source)
    places.prepare(layout)
    with ExitStack() as locks:
        # In one order always, so that two clones of each other's source do not wait for ever.
        held = {
            one: locks.enter_context(hold(layout.machine(one), report, "b2p clone"))
            for one in sorted((source, name))
        }
        try:
            with report.task(f"cloning machine {source!r}"):
                record = _cloned(source, name, layout)
        except BaseException:
            if not layout.machine(name).home.exists():
                held[name].discard()
            raise
    report.note(f"machine {name!r} is a clone of {source!r}; start it with 'b2p up {name}'")
    return record


def _cloned(source: str, name: str, layout: Layout) -> Record:
    origin, files = layout.machine(source), layout.machine(name)
    before = _source(source, layout)
    if files.home.exists():
        raise UsageError(f"there is a machine {name!r} already", f"remove it first: b2p rm {name}")
    with ExitStack() as undo:
        undo.callback(erase, files)
        places.prepare_machine(files)
        launch.prepare_keys(layout, files)
        record = replace(
            before,
            name=name,
            uuid=str(uuid.uuid4()),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            ssh_port=0,
            varlink_port=0,
            network_number=0,
            pid=0,
            pid_start=0.0,
        )
        record = replace(record, command=_renamed(before, record, origin, files))
        try:
            if origin.data_disk.exists():
                sparse.copy(origin.data_disk, files.data_disk)
            found = saved.read(origin) if saved.exists(origin) else None
            if found:
                sparse.copy(origin.saved_state, files.saved_state)
        except OSError as error:
            raise HostError(
                f"machine {source!r} cannot be copied: {error.strerror or error}",
                f"see that there is room for it at {str(files.home.parent)!r}",
            ) from error
        # Last: without it there is no machine, whatever lies there.
        records.write(files.record, record)
        if found:
            saved.settle(files)
            saved.write(files, _manifest(found, record, files))
        undo.pop_all()
    return record


def _source(name: str, layout: Layout) -> Record:
    """The machine to be cloned; raises UsageError or StateError where it cannot be."""
    record = status.known(layout, name)
    (found,) = status.of_records([record], layout)
    if found.state == "running":
        raise UsageError(
            f"machine {name!r} runs, and its disk changes",
            f"suspend or stop it first: b2p suspend {name}",
        )
    if found.state == "broken":
        status.must_run(found)
    check_plain(record, layout)
    return record


def check_plain(record: Record, layout: Layout) -> None:
    """Raise UsageError where a machine is more than its record and one disk."""
    name = record.name
    if record.family:
        raise UsageError(
            f"machine {name!r} is made of {record.family}, which keeps on its disk who it is",
            "make another one of the same image",
        )
    if layout.machine(name).data_overlay.exists():
        raise UsageError(
            f"the disk of machine {name!r} lies on its snapshots, which are not copied",
            "clone and export machines before they have snapshots",
        )


def _renamed(
    before: Record, record: Record, origin: MachineFiles, files: MachineFiles
) -> tuple[str, ...]:
    """QEMU's words for the clone, which differ in names and places alone."""
    pairs = [
        (escaped(str(origin.home)) + "/", escaped(str(files.home)) + "/"),
        (escaped(str(origin.run)) + "/", escaped(str(files.run)) + "/"),
        (before.uuid, record.uuid),
    ]
    words = []
    for at, word in enumerate(before.command):
        if at and before.command[at - 1] == "-name":
            words.append(word.replace(f"b2p-{before.name}", f"b2p-{record.name}"))
            continue
        for old, new in pairs:
            word = word.replace(old, new)  # noqa: PLW2901 - one after the other
        words.append(word)
    return tuple(words)


def _manifest(found: Saved, record: Record, files: MachineFiles) -> Saved:
    """As that of the source, with what is the clone's own."""
    own = state.fields(
        record.command,
        qemu=found.fields.get("QEMU", ""),
        processor=found.fields.get(state.PROCESSOR, ""),
    )
    return replace(found, command=record.command, fields={**own, **saved.stamps(files)})
