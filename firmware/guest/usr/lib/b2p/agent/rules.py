"""Where containers are published: read from the engine's own nftables rules, over netlink.

netavark writes them itself, docker by iptables: kinds.py says where. The kernel tells of every
change, so nobody polls; reading takes no other program. A rule that
translates an address looks so: which protocol, which destination, which port; then the new address
and port in registers, or in iptables' own form.
"""

import _socket
import os
import struct

import kinds

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY, TABLE, CHAINS = kinds.HERE.nat

NETLINK_NETFILTER = 12
GROUP = 7
"""NFNLGRP_NFTABLES: what was changed in nftables."""
SOL_NETLINK = 270
ADD_MEMBERSHIP = 1
SIZE = 1 << 17

NEW_RULE, GET_RULE = 0x0A06, 0x0A07
DONE, ERROR = 3, 2
REQUEST, DUMP = 0x1, 0x300
RULE_TABLE, RULE_EXPRESSIONS = 1, 4
META, NETWORK, TRANSPORT = -1, 1, 2
L4PROTO, PROTOCOL, DESTINATION_ADDRESS, DESTINATION_PORT = 16, 9, 16, 2
EQUAL = 0
IPV4 = 2
PROTOCOLS = {b"\x06": "tcp", b"\x11": "udp"}


class Translation:
    """One rule: what arrives there goes to a container."""

    def __init__(
        self, protocol: str, address: str, port: int, target: str, target_port: int
    ) -> None:
        self.protocol = protocol
        self.address = address
        """That it arrives at; empty: any of the machine's."""
        self.port = port
        self.target = target
        self.target_port = target_port


def watch() -> _socket.socket:
    """A socket that hears of every change of nftables, and says so by SIGIO."""
    import fcntl

    heard = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, NETLINK_NETFILTER)
    heard.bind((0, 0))
    heard.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, GROUP)
    fcntl.fcntl(heard.fileno(), fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(heard.fileno(), fcntl.F_GETFL)
    fcntl.fcntl(heard.fileno(), fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    return heard


def changed(heard: _socket.socket) -> bool:
    """Whether what has come since the last look concerns containers' ports."""
    found = False
    while True:
        try:
            data = heard.recv(SIZE)
        except BlockingIOError:
            return found
        except OSError:
            # There was more than the socket holds (ENOBUFS).
            found = True
            continue
        found = found or CHAINS in data


def translations() -> "list[Translation]":
    """All that the engine translates just now."""
    asker = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, NETLINK_NETFILTER)
    try:
        asker.settimeout(5)
        asker.bind((0, 0))
        asker.send(_question())
        return [found for message in _answers(asker) for found in _translation(message)]
    finally:
        asker.close()


def _question() -> bytes:
    name = TABLE + b"\0"
    attribute = struct.pack("=HH", 4 + len(name), RULE_TABLE) + name
    attribute += bytes(-len(attribute) % 4)
    length = 16 + 4 + len(attribute)
    header = struct.pack("=IHHII", length, GET_RULE, REQUEST | DUMP, 1, 0)
    return header + struct.pack(">BBH", FAMILY, 0, 0) + attribute


def _answers(asker: _socket.socket) -> "Iterator[bytes]":
    """The body of each message that tells of a rule."""
    while True:
        data = asker.recv(SIZE)
        at = 0
        while at < len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind in (DONE, ERROR):
                # An error: there is no such table, so nothing was ever published.
                return
            if kind == NEW_RULE:
                yield data[at + 20 : at + length]
            at += (length + 3) & ~3


def attributes(data: bytes) -> "Iterator[tuple[int, bytes]]":
    """Netlink's attributes: type and content."""
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3


def _translation(message: bytes) -> "Iterator[Translation]":
    found = dict(attributes(message))
    if found.get(RULE_TABLE, b"").rstrip(b"\0") != TABLE:
        return
    reading = _Reading()
    for _, element in attributes(found.get(RULE_EXPRESSIONS, b"")):
        parts = dict(attributes(element))
        data = dict(attributes(parts.get(2, b"")))
        translated = reading.take(parts.get(1, b"").rstrip(b"\0"), data)
        if translated is not None:
            yield translated


class _Reading:
    """A rule's expressions, taken one by one."""

    def __init__(self) -> None:
        self.protocol = ""
        self.address = ""
        self.port = 0
        self._loaded = (0, 0)
        """What of the packet is compared next: a header and a place in it."""
        self._registers: dict[bytes, bytes] = {}

    def take(self, name: bytes, data: "dict[int, bytes]") -> "Translation | None":
        """One expression with its attributes; a translation is the last of its rule."""
        if name == b"meta":
            self._loaded = (META, _number(data.get(2)))
        elif name == b"payload":
            self._loaded = (_number(data.get(2)), _number(data.get(3)))
        elif name == b"cmp" and _number(data.get(2)) == EQUAL:
            self._compare(_value(data.get(3)))
        elif name == b"immediate":
            self._registers[data.get(1, b"")] = _value(data.get(2))
        elif name == b"nat" and _number(data.get(2)) == IPV4:
            target = self._registers.get(data.get(3, b""), b"")
            return self._translated(target, self._registers.get(data.get(5, b""), b""))
        elif name == b"target" and data.get(1, b"").rstrip(b"\0") == b"DNAT":
            # iptables' own, struct nf_nat_range2: flags, least and most address, least port.
            info = data.get(3, b"")
            return self._translated(info[4:8], info[36:38])
        return None

    def _compare(self, value: bytes) -> None:
        if self._loaded in ((META, L4PROTO), (NETWORK, PROTOCOL)):
            self.protocol = PROTOCOLS.get(value[:1], "")
        elif self._loaded == (NETWORK, DESTINATION_ADDRESS):
            self.address = _socket.inet_ntoa(value) if len(value) == 4 else "?"
        elif self._loaded == (TRANSPORT, DESTINATION_PORT):
            self.port = _number(value)

    def _translated(self, target: bytes, port: bytes) -> "Translation | None":
        if not (self.protocol and self.port and len(target) == 4 and port):
            return None
        return Translation(
            self.protocol, self.address, self.port, _socket.inet_ntoa(target), _number(port[:2])
        )


def _value(data: "bytes | None") -> bytes:
    return dict(attributes(data or b"")).get(1, b"")


def _number(data: "bytes | None") -> int:
    return int.from_bytes(data or b"", "big")
