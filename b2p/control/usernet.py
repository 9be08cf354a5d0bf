"""What QEMU's user network forwards, read from the text that `info usernet` prints. Pure.

The table is libslirp's: protocol[state], descriptor, source address and port, destination address
and port, two queues. For a unix socket it prints bytes of the path as if they were an address;
those lines cannot be told from others by their form, so ports are looked for on a given address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

EVERYWHERE = "*"
"""The address of a forward that is bound to every interface."""

_LINE = re.compile(
    r"^\s*(TCP|UDP)\s*\[\s*HOST_FORWARD\s*\]\s+-?\d+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Forward:
    """A port of the host that leads to a port of the guest."""

    protocol: str
    """tcp or udp."""
    host_address: str
    host_port: int
    guest_address: str
    guest_port: int


def forwards(text: str) -> tuple[Forward, ...]:
    """The forwards in the answer of `info usernet`; connections under way are left out."""
    return tuple(
        Forward(protocol.lower(), host, int(host_port), guest, int(guest_port))
        for protocol, host, host_port, guest, guest_port in _LINE.findall(text + "\n")
    )


def host_port(text: str, guest_port: int, *, address: str = "127.0.0.1") -> int | None:
    """The TCP port on `address` of the host that leads to the guest's port; None without one."""
    for one in forwards(text):
        if (one.protocol, one.host_address, one.guest_port) == ("tcp", address, guest_port):
            return one.host_port
    return None


def add_failure(answer: str) -> str:
    """Why hostfwd_add failed, empty when it did not: all that it ever says is a failure."""
    return " ".join(answer.split())


def remove_failure(answer: str) -> str:
    """Why hostfwd_remove failed, empty when it did not."""
    return "" if answer.rstrip().endswith(" removed") else " ".join(answer.split())
