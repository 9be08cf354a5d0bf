"""A small varlink client: calls to one machine (wire rules: varlink.org/Method-Call).

It assumes nothing of who serves: the gateway of b2p's image, or podman 1.x of an old one.
"""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any, Self

from b2p.errors import B2PError, GuestError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

LONGEST_REPLY = 64 << 20
"""Bytes; a reply holds a whole list of images, or the description of an interface."""
TIMEOUT = 60.0
PAUSE = 0.02


class CallError(B2PError):
    """The service answered with an error; `name` is its full name, `parameters` what it holds."""

    def __init__(self, name: str, parameters: Mapping[str, Any]) -> None:
        told = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
        super().__init__(f"{name}({told})", _HINTS.get(name, ""))
        self.name = name
        self.parameters = dict(parameters)


_HINTS = {
    "org.varlink.service.InterfaceNotFound": "see what there is: b2p varlink info",
    "org.varlink.service.MethodNotFound": "a method is INTERFACE.Method: io.podman.GetVersion",
    "org.varlink.service.InvalidParameter": "see the types of the method in docs/varlink.md",
}


class Connection:
    """An open connection: `with Connection(path) as service: service.call("io.podman.Ping")`.

    `address` is the path of a unix socket, or (host, port).
    """

    def __init__(self, address: Path | tuple[str, int], *, timeout: float = TIMEOUT) -> None:
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self._address = address
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._timeout = timeout
        self._rest = b""

    def __enter__(self) -> Self:
        try:
            self._connect()
        except OSError as error:
            self._socket.close()
            raise _lost(error) from error
        return self

    def _connect(self) -> None:
        """QEMU takes one caller after the other; the kernel refuses those who do not wait."""
        target = self._address if isinstance(self._address, tuple) else str(self._address)
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return self._socket.connect(target)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def call(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The parameters of the one reply; raises CallError, GuestError."""
        return next(self._replies(method, parameters, more=False))

    def stream(
        self, method: str, parameters: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The parameters of each reply as it comes, for methods that go on ("more")."""
        return self._replies(method, parameters, more=True)

    def _replies(
        self, method: str, parameters: Mapping[str, Any] | None, *, more: bool
    ) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {"method": method, "parameters": dict(parameters or {})}
        if more:
            request["more"] = True
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\0")
            while True:
                reply = decoded(self._message())
                yield reply.get("parameters") or {}
                if not reply.get("continues"):
                    return
        except OSError as error:
            raise _lost(error) from error

    def _message(self) -> bytes:
        while b"\0" not in self._rest:
            if len(self._rest) > LONGEST_REPLY:
                raise GuestError("varlink", "the service's reply has no end", "see 'b2p logs'")
            data = self._socket.recv(1 << 16)
            if not data:
                raise GuestError(
                    "varlink", "the service hung up", "see 'b2p ssh -- journalctl -u b2p-varlink'"
                )
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return message


def decoded(message: bytes) -> dict[str, Any]:
    """A reply as an object; raises CallError where it is an error, GuestError where it is none."""
    try:
        reply = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise GuestError("varlink", f"the service's reply is no JSON: {error}") from error
    if not isinstance(reply, dict):
        raise GuestError("varlink", "the service's reply is no object")
    if name := reply.get("error"):
        parameters = reply.get("parameters")
        raise CallError(str(name), parameters if isinstance(parameters, dict) else {})
    return reply


def arguments(text: str) -> dict[str, Any]:
    """The parameters of a call from the JSON that a person typed; raises UsageError."""
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{text!r} is not JSON: {error}", """write '{"name": "web"}'""") from error
    if not isinstance(values, dict):
        raise UsageError(f"{text!r} is not a JSON object", """write '{"name": "web"}'""")
    return values


def _lost(error: OSError) -> GuestError:
    why = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
    return GuestError("varlink", why.lower(), "see that the machine runs: b2p status")


def answers(address: Path | tuple[str, int], timeout: float) -> bool:
    """Whether a varlink service answers there (org.varlink.service.GetInfo)."""
    try:
        with Connection(address, timeout=timeout) as service:
            service.call("org.varlink.service.GetInfo")
    except B2PError:
        return False
    return True
