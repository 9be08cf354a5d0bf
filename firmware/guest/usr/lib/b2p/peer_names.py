"""Names of the other machines for containers, which do not all read the machine's /etc/hosts.

The firewall leads questions to the name server here (b2p-names.service); what is no machine's name
is asked of that name server, and its answer handed back as it is. Whoever asks is not trusted, but
nothing is kept of a question: the worst that one can do is to take the place of another one.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time

HOSTS = "/etc/hosts"
"""The agent keeps the machines' names there."""
PEERS = "@PEER_ADDRESS@"
DOMAIN = "@PEER_DOMAIN@"
HERE = ("@GUEST@", int("@NAMES@"))
SERVER = ("@NAMESERVER@", 53)

HEADER = 12
"""Bytes before the first question: RFC 1035, 4.1.1."""
ADDRESS, INTERNET = 1, 1
RESPONSE, RECURSIVE, AVAILABLE, ASKED_RECURSION = 0x8000, 0x0400, 0x0080, 0x0100
NO_SUCH_NAME = 3
POINTER_TO_QUESTION = 0xC000 | HEADER
SECONDS_TO_LIVE = 5
"""Of an answer: machines come and go."""
LONGEST = 65535
MOST_WAITING = 200
PATIENCE = 10.0
"""Seconds for the name server's answer."""


class Names:
    """What the machines are called, as it was when the file was last written."""

    def __init__(self, path: str = HOSTS) -> None:
        self._path = path
        self._seen = (-1, -1)
        self._known: dict[str, str] = {}

    def address(self, name: str) -> str | None:
        """Where a machine is; empty for a name of theirs that none has, None for any other name."""
        state = os.stat(self._path)
        if self._seen != (state.st_ino, state.st_mtime_ns):
            self._seen = (state.st_ino, state.st_mtime_ns)
            with open(self._path) as file:
                self._known = machines(file.read())
        if name in self._known:
            return self._known[name]
        return "" if name == DOMAIN or name.endswith(f".{DOMAIN}") else None


def machines(hosts: str) -> dict[str, str]:
    """Names and addresses of the machines in hosts(5)."""
    rows = (line.split() for line in hosts.splitlines() if line.startswith(PEERS))
    return {name.lower(): address for address, *names in rows for name in names}


def question(message: bytes) -> tuple[str, int, int]:
    """The name that a question is about, its type, and where it ends; raises ValueError."""
    if len(message) < HEADER or message[2] & 0x80 or message[4:6] != b"\0\1":
        raise ValueError("not one question")
    labels = []
    at = HEADER
    while at < len(message) and (length := message[at]):
        if length > 63:
            raise ValueError("no label")
        labels.append(message[at + 1 : at + 1 + length])
        at += 1 + length
    end = at + 5
    if end > len(message):
        raise ValueError("it ends too early")
    kind, group = struct.unpack_from(">HH", message, at + 1)
    if group != INTERNET:
        raise ValueError("not about the internet")
    return b".".join(labels).decode("ascii").lower(), kind, end


def answer(message: bytes, names: Names) -> bytes | None:
    """What is answered at once; None where the name server has to be asked."""
    try:
        name, kind, end = question(message)
    except ValueError:
        return None
    address = names.address(name)
    if address is None:
        return None
    flags = RESPONSE | RECURSIVE | AVAILABLE | (message[2] << 8) & ASKED_RECURSION
    records = b""
    if not address:
        flags |= NO_SUCH_NAME
    elif kind == ADDRESS:
        records = struct.pack(">HHHIH", POINTER_TO_QUESTION, ADDRESS, INTERNET, SECONDS_TO_LIVE, 4)
        records += socket.inet_aton(address)
    counts = struct.pack(">HHHHH", flags, 1, 1 if records else 0, 0, 0)
    return message[:2] + counts + message[HEADER:end] + records


class Service:
    """One socket for who asks here, and one for each question that waits for the name server."""

    def __init__(self, here: tuple[str, int], server: tuple[str, int], names: Names) -> None:
        self.socket = _udp()
        self.socket.bind(here)
        self._server = server
        self._names = names
        self._waiting: dict[socket.socket, tuple[tuple[str, int], float]] = {}

    def serve(self, seconds: float | None = None) -> None:
        """Wait for something to come, at most so long, and do what it asks for."""
        ready, _, _ = select.select([self.socket, *self._waiting], [], [], seconds)
        for one in ready:
            try:
                if one is self.socket:
                    self._asked(*one.recvfrom(LONGEST))
                elif one in self._waiting:
                    asker, _ = self._waiting[one]
                    data = one.recv(LONGEST)
                    self._forget(one)
                    self.socket.sendto(data, asker)
            except OSError:
                # Nobody listens there (any more); who asked asks again.
                self._forget(one)
        now = time.monotonic()
        for one, (_, until) in list(self._waiting.items()):
            if until < now:
                self._forget(one)

    def _asked(self, message: bytes, asker: tuple[str, int]) -> None:
        known = answer(message, self._names)
        if known is not None:
            self.socket.sendto(known, asker)
            return
        if len(self._waiting) >= MOST_WAITING:
            self._forget(next(iter(self._waiting)))
        # A port of its own, which nobody can guess.
        upstream = _udp()
        self._waiting[upstream] = (asker, time.monotonic() + PATIENCE)
        upstream.connect(self._server)
        upstream.send(message)

    def _forget(self, one: socket.socket) -> None:
        if self._waiting.pop(one, None):
            one.close()


def _udp() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.setblocking(False)
    return found


def main() -> None:
    """Answer for as long as the machine runs."""
    service = Service(HERE, SERVER, Names())
    while True:
        service.serve()


if __name__ == "__main__":
    main()
