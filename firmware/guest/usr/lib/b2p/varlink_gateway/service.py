"""The process: its command line, its sockets from systemd or an address."""

from __future__ import annotations

import os
import socket
import sys

import serving

from .answer import answerer
from .wire import Connection, MalformedError, VanishedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_DESCRIPTOR = 3
IDLE_SECONDS = 30.0
CLIENT_LIMIT = 128
"""A client costs a thread, up to four descriptors, and what its call of up to 1 MiB becomes."""


USAGE = "[varlink] [--timeout MS] [--peer ADDRESS] [--podman PATH] [--spool PATH] [URI]"
PODMAN = "/run/podman/podman.sock"


class Options:
    """The command line, as USAGE has it; ValueError for another one."""

    def __init__(self, words: list[str]) -> None:
        self.idle: float | None = IDLE_SECONDS
        self.peer = self.spool = self.uri = ""
        self.podman = PODMAN
        words = [
            part for word in words for part in (word.split("=", 1) if word[:2] == "--" else [word])
        ]
        while words:
            word = words.pop(0)
            if word[:1] == "-" and not words:
                raise ValueError(f"{word} lacks its value")
            if word in ("--timeout", "-t"):
                self.idle = int(words.pop(0)) / 1000 or None
            elif word in ("--peer", "--podman", "--spool", "--log-level"):
                setattr(self, word[2:].replace("-", "_"), words.pop(0))
            elif word[:1] == "-":
                raise ValueError(f"{word} is no option")
            elif word != "varlink":
                self.uri = word


class Server(serving.Server):
    """Accepts clients on all sockets; `answer` runs in a thread for each of them."""

    def __init__(
        self,
        listeners: list[socket.socket],
        answer: Callable[[Connection], None],
        *,
        idle: float | None,
        peer: str = "",
    ) -> None:
        super().__init__(
            listeners,
            lambda sock: answer(Connection(sock)),
            idle=idle,
            limit=CLIENT_LIMIT,
            peer=peer,
            ends=(VanishedError, MalformedError, EOFError),
        )


def activated() -> list[socket.socket]:
    """The sockets that systemd, or `varlink -A`, opened for this process."""
    if os.environ.get("LISTEN_PID", str(os.getpid())) != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS") or 0)
    return [socket.socket(fileno=FIRST_DESCRIPTOR + place) for place in range(count)]


def bound(uri: str) -> socket.socket:
    """A socket that listens at `unix:PATH`, `unix:@NAME` or `tcp:HOST:PORT`, options ignored."""
    kind, _, address = uri.partition(";")[0].partition(":")
    if kind == "unix":
        listener = socket.socket(socket.AF_UNIX)
        if address.startswith("@"):
            address = "\0" + address[1:]
        elif os.path.exists(address):
            os.unlink(address)
        before = os.umask(0o177)
        try:
            listener.bind(address)
        finally:
            os.umask(before)
    else:
        host, _, port = address.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host.strip("[]"), int(port)), family=family)
    listener.listen()
    return listener


def main(words: list[str]) -> int:
    """Serves until nobody came for a while."""
    try:
        options = Options(words)
    except ValueError as error:
        print(f"{error}; usage: {USAGE}", file=sys.stderr)
        return 2
    listeners = activated() or ([bound(options.uri)] if options.uri else [])
    if not listeners:
        print("no socket to serve: start b2p-varlink.socket, or give an address", file=sys.stderr)
        return 2
    Server(listeners, answerer(options), idle=options.idle, peer=options.peer).run()
    return 0
