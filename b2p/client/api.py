"""The engine's HTTP API over its unix socket: is it there, and which version.

Imports http.client (about 0.04 s): to be imported where it is used.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from b2p.errors import GuestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ATTEMPT = 1.0
"""Seconds for one request: QEMU accepts before the guest listens, and such a one never ends."""
PAUSE = 0.05
_LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Ping:
    """Whether the engine answered; where it did not, why, in a few words. True or false as such."""

    answered: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.answered


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, *, timeout: float) -> None:
        """`timeout`: seconds for each of connecting, sending and receiving."""
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._seconds = timeout

    def connect(self) -> None:
        """Connect; raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(str(self._path))


def ping(path: Path, timeout: float = ATTEMPT) -> Ping:
    """Ask the engine behind a socket whether it is there (GET /_ping)."""
    try:
        status, _ = _got(path, "/_ping", timeout)
    except FileNotFoundError:
        return Ping(answered=False, reason="there is no socket")
    except ConnectionRefusedError:
        return Ping(answered=False, reason="nobody listens")
    except TimeoutError:
        return Ping(answered=False, reason=f"no answer within {timeout:g} s")
    except (OSError, http.client.HTTPException) as error:
        return Ping(answered=False, reason=_hung_up(error))
    if status != http.HTTPStatus.OK:
        return Ping(answered=False, reason=f"HTTP status {status}")
    return Ping(answered=True)


def await_ping(
    path: Path,
    *,
    timeout: float,
    still_alive: Callable[[], bool] = lambda: True,
    attempt: float = ATTEMPT,
) -> Ping:
    """Ask again and again until the engine answers, `timeout` seconds are over, or QEMU ended.

    The last answer; `still_alive` is asked before each attempt.
    """
    deadline = time.monotonic() + timeout
    while True:
        if not still_alive():
            return Ping(answered=False, reason="qemu ended")
        left = deadline - time.monotonic()
        answer = ping(path, max(PAUSE, min(attempt, left)))
        if answer or time.monotonic() + PAUSE >= deadline:
            return answer
        time.sleep(PAUSE)


def ask(path: Path, target: str, timeout: float = 15.0) -> int:
    """The status of one GET whose answer nobody wants; raises GuestError where there is none."""
    try:
        return _got(path, target, timeout)[0]
    except (OSError, http.client.HTTPException) as error:
        raise GuestError("engine", f"{target!r}: {_hung_up(error)}", "see 'b2p logs'") from error


def version(path: Path, timeout: float = 5.0) -> dict[str, Any]:
    """What the engine says of itself (GET /version, docker's form); raises GuestError."""
    try:
        status, body = _got(path, "/version", timeout)
        if status == http.HTTPStatus.OK and isinstance(found := json.loads(body), dict):
            return found
        reason = f"HTTP status {status}"
    except (OSError, http.client.HTTPException) as error:
        reason = _hung_up(error)
    except (ValueError, RecursionError):
        reason = "it is not JSON"
    raise GuestError("engine", f"no version to be had: {reason}", "see 'b2p logs'")


def _got(path: Path, target: str, timeout: float) -> tuple[int, bytes]:
    """Status and body; raises OSError and HTTPException."""
    connection = UnixConnection(path, timeout=timeout)
    try:
        connection.request("GET", target, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(_LARGEST_ANSWER)
    finally:
        connection.close()


def _hung_up(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        return (error.strerror or str(error)).lower()
    return "it hung up before it answered"
