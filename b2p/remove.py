"""The story of `b2p rm`: end the machine, then leave nothing of it."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from b2p import autostart, clients, network, status
from b2p.down import at_socket, hold, orphans, qemus, stop
from b2p.errors import StateError, UsageError
from b2p.store import places
from b2p.store import record as records

if TYPE_CHECKING:
    from b2p.host.process import Started
    from b2p.report import Report
    from b2p.store.layout import Layout, MachineFiles


def remove(name: str, layout: Layout, report: Report, *, force: bool) -> None:
    """Remove the machine and all that is in it; with `force` also one that runs or is broken.

    Raises UsageError where there is none, or where it runs and `force` was not given.
    """
    files = layout.machine(name)
    if not files.home.exists() and not orphans(files):
        status.known(layout, name)
    places.prepare(layout)
    was_in = ""
    with hold(files, report, "b2p rm") as held:
        with contextlib.suppress(StateError):
            was_in = before.network if (before := records.read(files.record)) else ""
        running = _running(files, force=force)
        if running and not force:
            raise UsageError(
                f"machine {name!r} is running",
                f"stop it first: b2p down {name}; or b2p rm -f {name}",
            )
        with report.task(f"removing machine {name!r}") as task:
            for started in running:
                stop(started, files, task, grace=0)
            clients.forget(name, files, report)
            autostart.off(name, layout)
            erase(files)
            held.discard()
    network.leave(layout, was_in, report)


def erase(files: MachineFiles) -> None:
    """Delete the machine's directories; raises StateError where something stays."""
    files.users.unlink(missing_ok=True)
    for directory in (files.run, files.home):
        try:
            shutil.rmtree(directory)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StateError(
                f"{str(directory)!r} cannot be removed: {error.strerror or error}",
                "see to its permissions, and remove it by hand",
            ) from error


def _running(files: MachineFiles, *, force: bool) -> list[Started]:
    """The machine's QEMUs, also where its record cannot be read."""
    try:
        record = records.read(files.record)
        if record is not None:
            return qemus(record)
    except StateError:
        if not force:
            raise
    return at_socket(files)
