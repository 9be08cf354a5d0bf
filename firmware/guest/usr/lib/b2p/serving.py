"""A service that systemd starts by its sockets: a thread for each client, an end when idle."""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FAREWELL_SECONDS = 1.0


class Server:
    """Accepts clients on all sockets; `answer` runs in a thread for each of them."""

    def __init__(
        self,
        listeners: list[socket.socket],
        answer: Callable[[socket.socket], None],
        *,
        idle: float | None,
        limit: int,
        ends: tuple[type[Exception], ...],
        peer: str = "",
    ) -> None:
        """At most `limit` clients are there at once, of ports only those of the address `peer`.

        `ends` are errors, beside OSError, that end one connection and are no mistake of ours.
        """
        self._listeners = listeners
        self._answer = answer
        self._idle = idle
        self._peer = peer
        self._ends: tuple[type[Exception], ...] = (OSError, *ends)
        self._limit = limit
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
                if self._clients >= self._limit:
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
            self._answer(sock)
            _say_farewell(sock)
        except self._ends as error:
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
