"""A network of machines: a link from each to each, their numbers, addresses and names. Pure.

There is no switch, since nobody would run it: each machine has a unix socket for each other one, to
which that one sends its frames as datagrams. Where nobody is, or too much waits, they are lost, as
on a cable. So any machine may come, go and stand still, and no QEMU that runs has to be told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from b2p.errors import UsageError
from b2p.machine import ports
from b2p.machine.model import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NUMBERS = range(1, ports.PEERS + 1)


def address(number: int) -> str:
    """Where the machine of that number is reached by the others."""
    return f"{ports.PEER_ADDRESS}{number}"


def links(own: int, directory: str) -> tuple[Link, ...]:
    """The links of the machine of that number; none for 0.

    One is to itself, with no cable: so all machines have the same devices, and begin from the same
    state.
    """
    if not own:
        return ()
    return tuple(
        Link(peer=peer)
        if peer == own
        else Link(
            peer=peer, path=f"{directory}/{peer}-{own}", peer_path=f"{directory}/{own}-{peer}"
        )
        for peer in NUMBERS
    )


def unplugged(found: tuple[Link, ...]) -> tuple[Link, ...]:
    """The same cards, without cables: those of a machine that is nobody's."""
    return tuple(replace(link, path="", peer_path="") for link in found)


def number(network: str, wish: int, taken: Iterable[int]) -> int:
    """A number that is free: the wish (0: none) where it can be; UsageError where all are taken."""
    free = [one for one in NUMBERS if one not in set(taken)]
    if not free:
        raise UsageError(
            f"network {network!r} has {ports.PEERS} machines already, and room for no more",
            "begin another network: --network NAME; or remove a machine: b2p rm NAME",
        )
    return wish if wish in free else free[0]


def told(own: int, machines: Mapping[str, int]) -> dict[str, object]:
    """What the agent of the machine of that number is told of all of them, by their names."""
    return {"number": own, "machines": dict(sorted(machines.items()))}


def direct(machines: Iterable[str]) -> tuple[str, ...]:
    """What programs in there must not ask a proxy for."""
    return (f".{ports.PEER_DOMAIN}", *sorted(machines))
