"""Machines of one network know one another: who is in it, with which number, and who is told so.

A machine's record says both; nothing else is stored. Only a machine that is made, removed or put
elsewhere changes what the others have to know, and the b2p that does so tells those that run.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from b2p.errors import B2PError
from b2p.machine import peers
from b2p.store import lock
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.report import Report
    from b2p.store.layout import Layout
    from b2p.store.record import Record

LOCK_WAIT_SECONDS = 10.0
"""For another b2p that gives a number to a machine: it reads and writes a few small files."""
TELL_SECONDS = 3.0
"""For a machine that runs to say that it has heard; what one is told that is busy waits for it."""


def members(layout: Layout, network: str) -> dict[str, int]:
    """The machines of a network that have a number in it, by name."""
    if not network:
        return {}
    found = records.listing(layout.machines).records
    return {one.name: one.network_number for one in found if _is_in(one, network)}


def _is_in(record: Record, network: str) -> bool:
    return record.network == network and record.network_number in peers.NUMBERS


def numbered(record: Record, layout: Layout) -> Record:
    """The record with a number that no other machine of its network has; UsageError: all taken.

    A throwaway machine is in no network: nobody could know its name.
    """
    if layout.is_throwaway or not record.network:
        return replace(record, network="", network_number=0)
    others = members(layout, record.network)
    others.pop(record.name, None)
    wish = record.network_number
    return replace(record, network_number=peers.number(record.network, wish, others.values()))


@contextlib.contextmanager
def numbering(layout: Layout, record: Record) -> Iterator[None]:
    """Nobody else gives a number until the block ends, which writes the record with its own."""
    if not record.network:
        yield
        return
    with lock.hold(
        layout.network_numbers,
        command="b2p up",
        what="the numbers of machines in networks",
        wait=LOCK_WAIT_SECONDS,
    ) as held:
        yield
        held.discard()


def told(layout: Layout, record: Record) -> dict[str, Any]:
    """What a machine's agent is told of its network; nothing where it is in none."""
    if not record.network:
        return {}
    others = members(layout, record.network)
    return {"network": peers.told(record.network_number, others)}


def introduce(layout: Layout, record: Record, report: Report) -> None:
    """All machines of the record's network that run are told who is in it, this one included."""
    _spread(layout, record.network, report)


def leave(layout: Layout, network: str, report: Report) -> None:
    """A machine is in that network no more: the others are told; the last one leaves nothing."""
    if not _spread(layout, network, report) and network:
        with contextlib.suppress(OSError):
            for path in layout.network(network).iterdir():
                path.unlink()
            layout.network(network).rmdir()


def _spread(layout: Layout, network: str, report: Report) -> dict[str, int]:
    """Tell all machines of a network that run who is in it; who that is."""
    known = members(layout, network)
    for name, number in known.items():
        try:
            _tell(layout, name, peers.told(number, known))
        except B2PError as error:
            report.warn(
                f"machine {name!r} was not told of its network {network!r}: {error.message}",
                f"let it begin anew: b2p down {name} && b2p up {name}",
            )
    return known


def _tell(layout: Layout, name: str, what: dict[str, object]) -> None:
    from b2p.control.errors import GoneError, SilentError
    from b2p.control.guest import GuestPort

    # One that does not run is told when it is started. One that talks with another b2p just now, or
    # has not come up yet, finds it waiting at its port.
    with (
        contextlib.suppress(GoneError, SilentError),
        GuestPort(layout.machine(name).control) as port,
    ):
        port.ask("network", timeout=TELL_SECONDS, network=what)
