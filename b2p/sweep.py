"""What throwaway machines left whose b2p was killed: found by a lock that nobody holds, removed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from b2p import launch
from b2p.down import at_socket, qemus
from b2p.errors import B2PError
from b2p.remove import erase
from b2p.store import lock
from b2p.store import record as records

if TYPE_CHECKING:
    from b2p.host.process import Started
    from b2p.store.layout import Layout, MachineFiles


def sweep(layout: Layout) -> None:
    """Remove all that nobody uses; what cannot be removed is the next one's business."""
    layout = layout.throwaway()
    homes = {path.name for path in layout.machines.iterdir()}
    for name in {one.removeprefix(".").removesuffix(".lock") for one in homes}:
        files = layout.machine(name)
        with suppress(B2PError), lock.hold(files.lock, command="b2p") as held:
            end(files)
            held.discard()


def end(files: MachineFiles) -> None:
    """Leave nothing of that machine; raises StateError where something stays."""
    for started in _running(files):
        launch.kill(started)
    erase(files)


def _running(files: MachineFiles) -> list[Started]:
    with suppress(B2PError):
        record = records.read(files.record)
        return qemus(record) if record else []
    return at_socket(files)
