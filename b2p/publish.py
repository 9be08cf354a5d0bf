"""Containers' ports on the host: what QEMU forwards is asked, brought to what is wished, and told.

A forward is a container's where it leads to the guest's outer address, to a port that is not b2p's
own, and was not made by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from b2p.control import usernet
from b2p.control.errors import RefusedError
from b2p.host import holder
from b2p.machine import forwards, ports
from b2p.machine.forwards import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from b2p.store.record import Record

NETWORK = "net0"
HIGHER = 8000
"""Where a port below 1024 without the right to it goes: 80 to 8080, 443 to 8443."""
TRIES = 50


class Monitor(Protocol):
    """What of QEMU's monitor is needed here."""

    def forwards(self) -> tuple[usernet.Forward, ...]:
        """The forwards that there are."""

    def add_forward(self, netdev: str, rule: str) -> None:
        """One more; RefusedError."""

    def remove_forward(self, netdev: str, rule: str) -> None:
        """One less; RefusedError."""


class Wish(NamedTuple):
    """A port of the guest at which a container is published."""

    protocol: str
    port: int
    loopback: bool
    """Whether it was published on 127.0.0.1 alone."""


class Outcome(NamedTuple):
    """What became of a wish."""

    wish: Wish
    rule: Rule | None
    """None: it is not forwarded."""
    problem: str = ""
    """Why not, or why elsewhere; for the person at the host, not for the guest."""


def rules(monitor: Monitor) -> tuple[Rule, ...]:
    """What QEMU forwards to the guest, b2p's own TCP ports among it; unix sockets are left out."""
    address = {forwards.LOOPBACK: forwards.LOOPBACK, usernet.EVERYWHERE: forwards.EVERYWHERE}
    return tuple(
        Rule(one.protocol, address[one.host_address], one.host_port, one.guest_port)
        for one in monitor.forwards()
        if one.guest_address == ports.GUEST and one.host_address in address
    )


def containers(found: Iterable[Rule], record: Record) -> tuple[Rule, ...]:
    """Those of the rules that are containers'."""
    by_hand = forwards.stored(record.ports)
    return tuple(rule for rule in found if rule not in by_hand and not forwards.own(rule))


def publish(
    monitor: Monitor, record: Record, wishes: Iterable[Wish], *, everything: bool
) -> list[Outcome]:
    """Forward what is wished; with `everything` nothing else of containers' afterwards."""
    wishes = list(dict.fromkeys(wishes))
    found = rules(monitor)
    mine = containers(found, record)
    by_hand = [rule for rule in found if rule in forwards.stored(record.ports)]
    keys = {(wish.protocol, wish.port) for wish in wishes}
    addresses = {(wish.protocol, wish.port): _address(wish, record) for wish in wishes}
    kept = []
    for rule in mine:
        key = (rule.protocol, rule.guest_port)
        if key in keys and addresses[key] == rule.address:
            kept.append(rule)
        elif key in keys or everything:
            _remove(monitor, rule)
    room = forwards.MOST - len(kept) - len(by_hand)
    outcomes = []
    for wish in wishes:
        present = next((rule for rule in (*kept, *by_hand) if serves(rule, wish, by_hand)), None)
        if present is not None:
            outcomes.append(Outcome(wish, present))
            continue
        outcome = _added(monitor, wish, first_choice(wish, record), room)
        room -= outcome.rule is not None
        outcomes.append(outcome)
    return outcomes


def unpublish(monitor: Monitor, record: Record, wishes: Iterable[Wish]) -> None:
    """End the forwards of containers that are not there any more."""
    keys = {(wish.protocol, wish.port) for wish in wishes}
    for rule in containers(rules(monitor), record):
        if (rule.protocol, rule.guest_port) in keys:
            _remove(monitor, rule)


def add(monitor: Monitor, rule: Rule) -> str:
    """Forward a port by hand; why that cannot be, empty where it can."""
    try:
        monitor.add_forward(NETWORK, rule.whole)
    except RefusedError as error:
        return why_not(rule) or error.message
    return ""


def why_not(rule: Rule) -> str:
    """Why the host's port of that rule cannot be had just now; empty where it could."""
    match holder.reason(rule.protocol, rule.address, rule.host_port):
        case "forbidden":
            return "this computer keeps ports below 1024 for root"
        case "taken":
            return f"taken by {holder.holder(rule.protocol, rule.host_port)}"
    return ""


def serves(rule: Rule, wish: Wish, by_hand: Iterable[Rule]) -> bool:
    """Whether the wish is fulfilled by it: what was added by hand may lead there from elsewhere."""
    if (rule.protocol, rule.guest_port) != (wish.protocol, wish.port):
        return False
    return rule.host_port == wish.port or rule not in by_hand


def first_choice(wish: Wish, record: Record) -> Rule:
    """The rule that the wish asks for, before what there is has its say."""
    return Rule(wish.protocol, _address(wish, record), wish.port, wish.port)


def _address(wish: Wish, record: Record) -> str:
    is_open = record.publish == "all" and not wish.loopback
    return forwards.EVERYWHERE if is_open else forwards.LOOPBACK


def _added(monitor: Monitor, wish: Wish, rule: Rule, room: int) -> Outcome:
    if forwards.own(rule):
        return Outcome(wish, None, f"port {wish.port} of the machine is b2p's own")
    if room <= 0:
        return Outcome(wish, None, f"{forwards.MOST} ports are forwarded already")
    problem = add(monitor, rule)
    if not problem:
        return Outcome(wish, rule)
    if holder.reason(*rule[:3]) != "forbidden":
        return Outcome(wish, None, problem)
    for higher in range(wish.port + HIGHER, wish.port + HIGHER + TRIES):
        other = rule._replace(host_port=higher)
        if not add(monitor, other):
            return Outcome(wish, other, f"{problem}; it is at {higher}")
    return Outcome(wish, None, problem)


def _remove(monitor: Monitor, rule: Rule) -> None:
    try:
        monitor.remove_forward(NETWORK, rule.end)
    except RefusedError:
        # Somebody else did; what is there is asked again each time.
        return
