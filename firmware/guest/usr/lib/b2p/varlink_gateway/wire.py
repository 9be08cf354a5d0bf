"""The wire: JSON objects that end with a NUL byte, and raw bytes once a connection is upgraded.

Our own, since python-varlink's server has no limit on a message, keeps a connection after a broken
one, refuses calls that leave fields out, knows no upgrade and takes a single listening socket.
"""

from __future__ import annotations

import json
import os
import select
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any, BinaryIO

CALL_LIMIT = 1 << 20
CHUNK = 1 << 18
FLAGS = ("more", "oneway", "upgrade")


class MalformedError(Exception):
    """What came in is no varlink call; nothing after it can be trusted."""


class VanishedError(Exception):
    """The client is gone."""


class Connection:
    """A client's end: whole calls in, replies out."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._buffer = bytearray()

    def receive(self) -> dict[str, Any] | None:
        """The next call, or None once the client has closed its side, in mid-call or not."""
        searched = 0
        while (end := self._buffer.find(b"\0", searched)) < 0:
            searched = len(self._buffer)
            if searched > CALL_LIMIT:
                raise MalformedError("a call is longer than 1 MiB")
            if not (data := self._recv(CHUNK)):
                return None
            self._buffer += data
        if end > CALL_LIMIT:
            raise MalformedError("a call is longer than 1 MiB")
        frame = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return parse(frame)

    def send(self, message: dict[str, Any]) -> None:
        """Sends a reply."""
        self.write(json.dumps(message, separators=(",", ":")).encode() + b"\0")

    def read(self, limit: int) -> bytes:
        """Raw bytes, at most `limit`, at least one; empty at the end."""
        if self._buffer:
            data = bytes(self._buffer[:limit])
            del self._buffer[:limit]
            return data
        return self._recv(min(limit, CHUNK))

    def read_exactly(self, count: int) -> bytes:
        """So many raw bytes; fewer only when the client closed."""
        parts = bytearray()
        while len(parts) < count and (data := self.read(count - len(parts))):
            parts += data
        return bytes(parts)

    def write(self, data: bytes) -> None:
        """Sends raw bytes."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise VanishedError(str(error)) from error

    def send_file(self, file: BinaryIO, length: int) -> None:
        """Sends a file's first bytes, so many, without a copy through this process."""
        try:
            sent = self.socket.sendfile(file, 0, length) if length else 0
        except OSError as error:
            raise VanishedError(str(error)) from error
        if sent < length:
            raise VanishedError(f"the file ended {length - sent} bytes early")

    def _recv(self, limit: int) -> bytes:
        try:
            return self.socket.recv(limit)
        except OSError:
            return b""


class Watch:
    """Until it is stopped, a client that closes its side makes `abort` be called.

    A thread that reads from podman for a client would else learn of its end with the next reply.
    """

    def __init__(self, sock: socket.socket, abort: Callable[[], None]) -> None:
        self._socket = sock
        self._abort = abort
        self._wake, self._ended = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            os.close(self._ended)
            os.close(self._wake)
            raise

    def stop(self) -> None:
        """Ends the watch."""
        os.close(self._ended)
        self._thread.join()
        os.close(self._wake)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLRDHUP)
        poll.register(self._wake, 0)
        if any(descriptor != self._wake for descriptor, _ in poll.poll()):
            self._abort()


def parse(frame: bytes) -> dict[str, Any]:
    """A call's JSON, checked to have a call's form."""
    try:
        call = json.loads(frame, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"a call is no JSON: {error}") from None
    if not isinstance(call, dict) or not isinstance(call.get("method"), str):
        raise MalformedError("a call has no method")
    if not all(isinstance(call.get(flag, False), (bool, type(None))) for flag in FLAGS):
        raise MalformedError("a call's flag is neither true nor false")
    return call


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
