"""The story of `b2p port`: which ports of this computer lead to a machine, and which fail to."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from b2p import publish, status
from b2p.control.quick import QuickMonitor
from b2p.errors import B2PError, GuestError, UsageError
from b2p.machine import forwards
from b2p.publish import Wish
from b2p.store import lock
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from b2p.machine.forwards import Rule
    from b2p.report import Report
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

GUEST_SECONDS = 20.0
"""For the guest's agent to answer whoever asks for ports: a busy computer emulates slowly."""
GLANCE_SECONDS = 2.0
"""The same where ports are told beside other things."""
LOCK_WAIT_SECONDS = 60.0


class Port(NamedTuple):
    """One line of the list."""

    by: str
    """container, hand, ssh or b2p."""
    protocol: str
    guest_port: int
    address: str = ""
    """Of this computer; empty: it is not forwarded."""
    host_port: int = 0
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs: keys are only ever added."""
        return self._asdict()


def listing(layout: Layout, name: str) -> list[Port]:
    """All that leads to the machine now, and what should but does not, with the reason.

    Of a machine that does not run: what was added by hand.
    """
    (found,) = status.of_records([status.known(layout, name)], layout)
    assert found.record is not None  # noqa: S101 - what is known has one
    if found.state != "running":
        return [_planned(rule) for rule in forwards.stored(found.record.ports)]
    return of_running(found.record, found.files)


def of_running(record: Record, files: MachineFiles, patience: float = GUEST_SECONDS) -> list[Port]:
    """The same for a machine that runs; raises B2PError where QEMU does not answer."""
    with QuickMonitor(files.calls) as monitor:
        rules = publish.rules(monitor)
    # Only now: the guest may be in a call of its own, which needs that monitor.
    wishes = _wished(record, files, patience)
    by_hand = forwards.stored(record.ports)
    found = [_forwarded(rule, by_hand) for rule in rules]
    found += [_failed(rule) for rule in by_hand if rule not in rules]
    missing = [
        wish for wish in wishes if not any(publish.serves(rule, wish, by_hand) for rule in rules)
    ]
    return sorted([*found, *(_missing(wish, record) for wish in missing)])


def add(layout: Layout, name: str, texts: Iterable[str], report: Report) -> None:
    """Lead ports of this computer to the machine's, now and whenever it runs."""
    rules = tuple(rule for text in texts for rule in forwards.parsed(text))
    with _held(layout, name, report) as record:
        kept = forwards.stored(record.ports)
        ends = {rule.end: rule for rule in kept}
        for rule in rules:
            other = ends.setdefault(rule.end, rule)
            if other != rule:
                raise UsageError(
                    f"port {rule.host_port} leads to port {other.guest_port} already",
                    f"end that first: b2p port rm {other}",
                )
        new = [rule for rule in rules if rule not in kept]
        _forward(layout, record, new)
        _write(layout, record, (*kept, *dict.fromkeys(new)))
    for rule in rules:
        where = f"{rule.address}:{rule.host_port}/{rule.protocol}"
        report.note(f"{where} leads to port {rule.guest_port} of machine {name!r}")


def remove(layout: Layout, name: str, texts: Iterable[str], report: Report) -> None:
    """End what was added by hand."""
    rules = tuple(rule for text in texts for rule in forwards.parsed(text))
    with _held(layout, name, report) as record:
        kept = forwards.stored(record.ports)
        for rule in rules:
            if rule not in kept:
                raise UsageError(
                    f"{str(rule)!r} was not added to machine {name!r}", "see 'b2p port'"
                )
        _write(layout, record, tuple(rule for rule in kept if rule not in rules))
        if _runs(layout, record):
            with QuickMonitor(layout.machine(name).calls) as monitor:
                there = publish.rules(monitor)
                for rule in rules:
                    if rule in there:
                        monitor.remove_forward(publish.NETWORK, rule.end)


def restore(monitor: publish.Monitor, record: Record, report: Report) -> None:
    """At a start: what was added by hand is forwarded again; what cannot be is told."""
    for rule in forwards.stored(record.ports):
        if problem := publish.add(monitor, rule):
            report.warn(
                f"{rule.address}:{rule.host_port}/{rule.protocol} does not lead to machine "
                f"{record.name!r}: {problem}",
                f"free it and start the machine again, or b2p port rm {rule}",
            )


@contextmanager
def _held(layout: Layout, name: str, report: Report) -> Iterator[Record]:
    """The machine's lock, with its record as it is under it."""
    status.known(layout, name)
    with lock.hold(
        layout.machine(name).lock,
        command="b2p port",
        wait=LOCK_WAIT_SECONDS,
        on_wait=lambda holder: report.note(f"waiting for {holder or 'another b2p'}"),
    ):
        yield status.known(layout, name)


def _forward(layout: Layout, record: Record, rules: list[Rule]) -> None:
    """Have QEMU do it, all or nothing, where the machine runs."""
    if not rules or not _runs(layout, record):
        return
    with QuickMonitor(layout.machine(record.name).calls) as monitor:
        there = publish.rules(monitor)
        done: list[Rule] = []
        for rule in rules:
            if rule in there:  # a container's of the same form: it is kept from now on
                continue
            if problem := publish.add(monitor, rule):
                for other in done:
                    monitor.remove_forward(publish.NETWORK, other.end)
                raise UsageError(
                    f"{rule.address}:{rule.host_port}/{rule.protocol} cannot be had: {problem}",
                    "choose another port",
                )
            done.append(rule)


def _runs(layout: Layout, record: Record) -> bool:
    (found,) = status.of_records([record], layout)
    return found.state == "running"


def _write(layout: Layout, record: Record, rules: tuple[Rule, ...]) -> None:
    texts = tuple(str(rule) for rule in rules)
    records.write(layout.machine(record.name).record, replace(record, ports=texts))


def _wished(record: Record, files: MachineFiles, patience: float) -> list[Wish]:
    """What containers have published in the machine, as its agent sees it just now."""
    from b2p.control.guest import GuestPort

    if not record.host_calls or not files.control.is_socket():
        return []
    try:
        with GuestPort(files.control) as port:
            answer = port.ask("ports", timeout=patience)
        return [
            Wish(str(one["protocol"]), int(one["port"]), bool(one["loopback"]))
            for one in answer.get("ports", [])
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise GuestError("ports", "the guest's answer is of no use") from error


def _planned(rule: Rule) -> Port:
    return Port("hand", rule.protocol, rule.guest_port, rule.address, rule.host_port)


def _forwarded(rule: Rule, by_hand: tuple[Rule, ...]) -> Port:
    by = "hand" if rule in by_hand else forwards.own(rule) or "container"
    return Port(by, rule.protocol, rule.guest_port, rule.address, rule.host_port)


def _failed(rule: Rule) -> Port:
    problem = publish.why_not(rule) or "QEMU does not forward it"
    return Port("hand", rule.protocol, rule.guest_port, problem=problem)


def _missing(wish: Wish, record: Record) -> Port:
    problem = publish.why_not(publish.first_choice(wish, record)) or "it is not forwarded"
    return Port("container", wish.protocol, wish.port, problem=problem)


def problems(record: Record, files: MachineFiles) -> list[str]:
    """What is not forwarded, a line each; nothing where that cannot be asked just now."""
    try:
        ports = of_running(record, files, GLANCE_SECONDS)
    except B2PError:
        return []
    return [f"{port.guest_port}/{port.protocol}: {port.problem}" for port in ports if port.problem]
