"""Asking for something on the host: one short connection, which b2p answers there.

Nobody waits for it in here: the engine may have to be woken meanwhile. News come by SIGIO.
"""

import _socket
import json
import os
import time

import addresses

SECONDS = 15.0
LONGEST = 1 << 20


class RefusedError(Exception):
    """The host did not do it; `again` tells whether it may do it later."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


class Call:
    """One call under way."""

    def __init__(self, token: str, verb: str, **words: object) -> None:
        request = json.dumps({"token": token, "call": verb, **words}, separators=(",", ":"))
        self.verb = verb
        self._unsent = request.encode() + b"\n"
        self._text = b""
        self._deadline = time.monotonic() + SECONDS
        self._connection = connected()

    def left(self) -> float:
        """Seconds that the host still has."""
        return max(0.0, self._deadline - time.monotonic())

    def answer(self) -> "dict | None":
        """The host's answer, once it is there; raises RefusedError."""
        try:
            if not self._advance():
                return None
            answer = json.loads(self._text)
        except (OSError, ValueError) as error:
            self._connection.close()
            raise RefusedError(f"the host does not answer: {error}", again=True) from error
        self._connection.close()
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            again = isinstance(answer, dict) and answer.get("again") is True
            raise RefusedError(f"the host refuses {self.verb!r}: {answer}", again=again)
        return answer

    def _advance(self) -> bool:
        """Send and hear what can be just now; whether all was heard."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._connection.send(self._unsent) :]
            while b"\n" not in self._text and len(self._text) < LONGEST:
                data = self._connection.recv(65536)
                if not data:
                    break
                self._text += data
        except BlockingIOError:
            if self.left():
                return False
            raise OSError(f"not within {SECONDS:g} s") from None
        return True


def connected() -> _socket.socket:
    """A connection that is being made, and tells of its news by SIGIO."""
    import fcntl

    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    connection.setblocking(False)
    number = connection.fileno()
    fcntl.fcntl(number, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(number, fcntl.F_GETFL)
    fcntl.fcntl(number, fcntl.F_SETFL, flags | os.O_ASYNC)
    connection.connect_ex((addresses.CALLS_ADDRESS, int(addresses.CALLS_PORT)))
    return connection
