"""Ports of the host that lead to ports of the guest, as people and QEMU write them. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from b2p.errors import UsageError
from b2p.machine import ports

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a person has to write to be reachable from elsewhere
HIGHEST = 65535
MOST = 512
"""Ports of one machine that are forwarded at once; each is a descriptor of QEMU's."""

_FORM = re.compile(
    r"(?:(?P<address>[0-9.]+):)?"
    r"(?P<host>\d{1,5})(?:-(?P<host_end>\d{1,5}))?"
    r":(?P<guest>\d{1,5})(?:-(?P<guest_end>\d{1,5}))?"
    r"(?:/(?P<protocol>tcp|udp))?",
    re.ASCII,
)


class Rule(NamedTuple):
    """One port of the host that leads to one of the guest."""

    protocol: str
    """tcp or udp."""
    address: str
    """Of the host: 127.0.0.1, or 0.0.0.0 for all it has."""
    host_port: int
    guest_port: int

    @property
    def end(self) -> str:
        """The host's end, as QEMU wants it: all that ends a forward."""
        return f"{self.protocol}:{self.address}:{self.host_port}"

    @property
    def whole(self) -> str:
        """Both ends, as QEMU wants them. The address is always there: see b2p/machine/argv.py."""
        return f"{self.end}-:{self.guest_port}"

    def __str__(self) -> str:
        """As a person would write it."""
        shown = "" if self.address == LOOPBACK else f"{self.address}:"
        udp = "" if self.protocol == "tcp" else "/udp"
        return f"{shown}{self.host_port}:{self.guest_port}{udp}"


def parsed(text: str) -> tuple[Rule, ...]:
    """The rules in [ADDRESS:]HOST:GUEST[/udp], where HOST and GUEST may be ranges; UsageError."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is not a port of the host and one of the guest",
            "write HOST:GUEST, such as 8080:80 or 5000-5003:5000-5003/udp",
        )
    address = found["address"] or LOOPBACK
    if address not in (LOOPBACK, EVERYWHERE):
        raise UsageError(
            f"{text!r}: ports are opened at {LOOPBACK}, or at {EVERYWHERE} for all the network",
            "write one of them, or none",
        )
    hosts = _range(text, found["host"], found["host_end"])
    guests = _range(text, found["guest"], found["guest_end"])
    if len(hosts) != len(guests):
        raise UsageError(
            f"{text!r} has {len(hosts)} ports of the host and {len(guests)} of the guest",
            "make both ranges of one length",
        )
    protocol = found["protocol"] or "tcp"
    return tuple(
        Rule(protocol, address, host, guest) for host, guest in zip(hosts, guests, strict=True)
    )


def _range(text: str, first: str, last: str | None) -> range:
    begin, end = int(first), int(last or first)
    if not 1 <= begin <= HIGHEST or not 1 <= end <= HIGHEST:
        raise UsageError(f"{text!r}: ports go from 1 to {HIGHEST}", "write another one")
    if end < begin:
        raise UsageError(f"{text!r}: the range ends before it begins", "write it the other way")
    if end - begin >= MOST:
        raise UsageError(
            f"{text!r} is a range of {end - begin + 1} ports, at most {MOST} are forwarded",
            "write a shorter one",
        )
    return range(begin, end + 1)


def stored(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules of a machine's record; raises UsageError."""
    return tuple(rule for text in texts for rule in parsed(text))


def own(rule: Rule) -> str:
    """Whose port of the guest it leads to, where it is one of b2p's own; else empty."""
    if rule.protocol != "tcp" or rule.guest_port not in ports.OWN:
        return ""
    return "ssh" if rule.guest_port == ports.SSH else "b2p"
