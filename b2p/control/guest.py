"""The agent in the guest: JSON lines both ways over the virtio-serial port `b2p.control`."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any, Self

from b2p.control.errors import GoneError, RefusedError, SilentError
from b2p.control.lines import Lines, message
from b2p.plain import line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

BETWEEN_LOOKS = 0.25
"""Seconds between two looks at whether the machine still lives, while waiting."""
SEND_TIMEOUT = 10.0
MOST_WAITING = 1000
"""Messages that are kept for whoever asks; of a guest that says more the oldest are dropped."""


class GuestPort:
    """A connection to the agent: `with GuestPort(path) as port: port.send("status")`.

    `still_alive` is asked while waiting; when it says no, the waiting ends with GoneError. What
    the guest says is untrusted: lines that are no JSON object or too long are passed over.
    """

    def __init__(self, path: Path, *, still_alive: Callable[[], bool] = lambda: True) -> None:
        self._path = path
        self._still_alive = still_alive
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lines = Lines()
        self._waiting: list[dict[str, Any]] = []
        # The guest may still answer whoever was here before: no two have a number in common.
        self._last_id = int.from_bytes(os.urandom(4))

    def __enter__(self) -> Self:
        try:
            self._socket.settimeout(SEND_TIMEOUT)
            self._socket.connect(str(self._path))
            self._socket.setblocking(False)
            self._begin()
        except OSError as error:
            self._socket.close()
            raise self._gone(error.strerror or str(error)) from error
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def _begin(self) -> None:
        """End the half line of a predecessor that was killed while it wrote."""
        try:
            self._write(b"\n", SEND_TIMEOUT)
        except GoneError as error:
            # One that has hung up already may have left its last words, which are to be read.
            if not isinstance(error.__cause__, BrokenPipeError):
                raise

    def send(self, do: str, /, **fields: object) -> int:
        """Ask for something; the id under which the answer will come.

        QEMU keeps it until the agent listens. Raises GoneError, or SilentError where QEMU does not
        take it.
        """
        self._last_id += 1
        words = {"id": self._last_id, "do": do, **fields}
        self._write(json.dumps(words).encode() + b"\n", SEND_TIMEOUT)
        return self._last_id

    def ask(self, do: str, /, *, timeout: float, **fields: object) -> dict[str, Any]:
        """Ask for something and wait for the answer; what else comes is kept for `events`.

        Raises RefusedError with the guest's words, SilentError after `timeout` seconds, GoneError.
        """
        return self.answer(do, self.send(do, **fields), timeout=timeout)

    def answer(self, do: str, number: int, *, timeout: float) -> dict[str, Any]:
        """Wait for the answer to what was sent under that number; raises as `ask` does."""
        deadline = time.monotonic() + timeout
        fresh = self._waiting
        while True:
            for one in fresh:
                if one.get("id") == number and "do" not in one:
                    self._waiting.remove(one)
                    return _accepted(do, one)
            # One that talks without end is always readable: it is not what says when time is up.
            heard = None if fresh and time.monotonic() > deadline else self._read(deadline)
            if heard is None:
                raise SilentError(f"the guest did not answer {do!r} within {timeout:g} s")
            fresh = heard

    def events(self, timeout: float) -> Iterator[dict[str, Any]]:
        """Messages as they come (events, and answers to `send`) until `timeout` seconds are over.

        Ends quietly then. Raises GoneError when the machine is gone.
        """
        deadline = time.monotonic() + timeout
        while True:
            late = time.monotonic() > deadline
            while self._waiting:
                yield self._waiting.pop(0)
            if late or self._read(deadline) is None:
                return

    def _read(self, deadline: float) -> list[dict[str, Any]] | None:
        """Wait for some bytes and take them in; the new messages, None when the time is up."""
        while not self._ready(self._readable, deadline):
            if time.monotonic() >= deadline:
                return None
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return []
        except OSError as error:
            raise self._gone(error.strerror or str(error)) from error
        if not data:
            raise self._gone("it hung up")
        fresh = [one for one in map(message, self._lines.feed(data)) if one]
        self._waiting = [*self._waiting, *fresh][-MOST_WAITING:]
        return fresh[-MOST_WAITING:]

    def _write(self, data: bytes, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while data:
            if not self._ready(self._writable, deadline):
                if time.monotonic() >= deadline:
                    raise SilentError(
                        f"the guest's control port {str(self._path)!r} takes nothing in",
                        "see what the guest does with 'b2p logs'",
                    )
                continue
            try:
                # A count of 0 is never returned: the socket was said to be writable.
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._gone(error.strerror or str(error)) from error

    def _ready(self, wait: Callable[[float], bool], deadline: float) -> bool:
        """Wait a little; before each wait but the first look whether the machine still lives."""
        if wait(max(0.0, min(BETWEEN_LOOKS, deadline - time.monotonic()))):
            return True
        if not self._still_alive():
            # Its last words may have come between the wait and the look.
            if wait(0.0):
                return True
            raise self._gone("qemu ended")
        return False

    def _readable(self, seconds: float) -> bool:
        return bool(select.select([self._socket], [], [], seconds)[0])

    def _writable(self, seconds: float) -> bool:
        return bool(select.select([], [self._socket], [], seconds)[1])

    def _gone(self, reason: str) -> GoneError:
        return GoneError(f"no guest at {str(self._path)!r}: {reason.lower()}")


def _accepted(do: str, answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise RefusedError(f"the guest refused {do!r}: {line(str(answer['error']))}")
    return answer
