"""The process: sockets from systemd or an address, a thread for each client, an end when idle."""

from __future__ import annotations

import os
import selectors
import socket
import sys
import threading
import time
from contextlib import suppress

from .wire import Connection, MalformedError, VanishedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_DESCRIPTOR = 3
IDLE_SECONDS = 30.0
FAREWELL_SECONDS = 1.0
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


class Server:
    """Accepts clients on all sockets; `answer` runs in a thread for each of them."""

    def __init__(
        self,
        listeners: list[socket.socket],
        answer: Callable[[Connection], None],
        *,
        idle: float | None,
        peer: str = "",
    ) -> None:
        self._listeners = listeners
        self._answer = answer
        self._idle = idle
        self._peer = peer
        self._lock = threading.Lock()
        self._clients = 0
        self._last = time.monotonic()

    def run(self) -> None:
        """Returns once there was nobody for the idle time."""
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                listener.setblocking(False)
                selector.register(listener, selectors.EVENT_READ)
            while True:
                if self._clients >= CLIENT_LIMIT:
                    time.sleep(0.05)
                    continue
                wait = self._remaining()
                ready = selector.select(wait)
                if not ready and wait == 0:
                    return  # whoever comes now waits at the socket, which is systemd's
                for key, _ in ready:
                    assert isinstance(key.fileobj, socket.socket)
                    self._accept(key.fileobj)

    def _remaining(self) -> float | None:
        """Seconds until the end if nobody comes; zero when that is now, None for never."""
        if self._idle is None:
            return None
        with self._lock:
            if self._clients:
                return self._idle
            return max(0.0, self._last + self._idle - time.monotonic())

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except BlockingIOError:
            return
        except OSError:
            time.sleep(0.05)  # out of descriptors: a client that leaves gives one back
            return
        sock.setblocking(True)
        if sock.family != socket.AF_UNIX:
            if self._peer and address[0] != self._peer:
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        with self._lock:
            self._clients += 1
        try:
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()
        except RuntimeError as error:
            print(f"a client was turned away: {error}", file=sys.stderr)
            self._leave(sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            self._answer(Connection(sock))
            _say_farewell(sock)
        except (VanishedError, MalformedError, EOFError, OSError) as error:
            print(f"a connection was ended: {error}", file=sys.stderr)
        finally:
            self._leave(sock)

    def _leave(self, sock: socket.socket) -> None:
        with suppress(OSError):  # the client was faster
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        with self._lock:
            self._clients -= 1
            self._last = time.monotonic()


def _say_farewell(sock: socket.socket) -> None:
    """Lets the last words arrive: a close over bytes that were not read takes them back."""
    deadline = time.monotonic() + FAREWELL_SECONDS
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            if not sock.recv(1 << 16):
                return


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
    podman = woken(options.podman)
    from .answer import answerer

    serve = answerer(options)
    podman.close()
    Server(listeners, serve, idle=options.idle, peer=options.peer).run()
    return 0


def woken(path: str) -> socket.socket:
    """A connection to podman that asks for nothing: systemd starts it while we still start."""
    podman = socket.socket(socket.AF_UNIX)
    podman.setblocking(False)
    podman.connect_ex(path)
    return podman
