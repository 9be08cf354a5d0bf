"""The least that speaks varlink: JSON objects that end with a NUL byte, then raw bytes."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 300.0
OUT, IN, ERROR, RESIZE, QUIT, HANG_UP = range(6)
"""Where a frame of an attached container goes."""


class Refused(Exception):  # noqa: N818  (a fact of the protocol, not a failure of ours)
    """The service answered with an error."""

    def __init__(self, name: str, parameters: dict[str, Any]) -> None:
        super().__init__(f"{name} {parameters}")
        self.name = name.removeprefix("io.podman.")
        self.parameters = parameters


class Wire:
    """A connection to a machine's varlink: `with Wire(address) as wire: wire("GetVersion")`."""

    def __init__(self, end: str | socket.socket) -> None:
        """To an address ("unix:PATH", "tcp:HOST:PORT"), or to who holds a socket's other end."""
        self.socket = connected(end) if isinstance(end, str) else end
        self.socket.settimeout(PATIENCE)
        self._bytes = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bytes.close()
        self.socket.close()

    def __call__(self, method: str, /, **parameters: Any) -> Any:
        """The reply's parameters; the only one of them where there is one."""
        self.send(method, parameters)
        told = self.reply()["parameters"]
        return next(iter(told.values())) if len(told) == 1 else told

    def more(self, method: str, /, **parameters: Any) -> Iterator[dict[str, Any]]:
        """The parameters of each reply as it comes; the call is made at once."""
        self.send(method, parameters, more=True)
        return self._replies()

    def _replies(self) -> Iterator[dict[str, Any]]:
        continues = True
        while continues:
            reply = self.reply()
            continues = reply.get("continues", False)
            yield reply["parameters"]

    def upgrade(self, method: str, /, **parameters: Any) -> dict[str, Any]:
        """The reply after which the connection carries raw bytes."""
        self.send(method, parameters, upgrade=True)
        told: dict[str, Any] = self.reply()["parameters"]
        return told

    def send(self, method: str, parameters: dict[str, Any] | None = None, **flags: bool) -> None:
        name = method if "." in method else f"io.podman.{method}"
        call = {"method": name, "parameters": parameters or {}, **flags}
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def reply(self) -> dict[str, Any]:
        """The next reply; EOFError when the service has closed."""
        frame = bytearray()
        while (byte := self._bytes.read(1)) != b"\0":
            if not byte:
                raise EOFError(f"the service closed after {bytes(frame)!r}")
            frame += byte
        told: dict[str, Any] = json.loads(frame)
        if "error" in told:
            raise Refused(told["error"], told.get("parameters") or {})
        return told

    def read(self, count: int) -> bytes:
        """So many raw bytes; fewer at the end."""
        return self._bytes.read(count)

    def is_closed(self) -> bool:
        """Whether the service ends the connection without another word."""
        try:
            return self._bytes.read(1) == b""
        except ConnectionError:
            return True

    def frame(self, destination: int, data: bytes) -> None:
        """Send a frame to an attached container."""
        self.socket.sendall(bytes((destination, 0, 0, 0)) + len(data).to_bytes(4, "big") + data)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What an attached container says, as it comes."""
        while len(header := self.read(8)) == 8:
            yield header[0], self.read(int.from_bytes(header[4:], "big"))


def connected(address: str) -> socket.socket:
    """A socket that leads to a varlink address."""
    kind, _, place = address.partition(":")
    if kind == "tcp":
        host, _, port = place.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=PATIENCE)
    client = socket.socket(socket.AF_UNIX)
    # With a timeout it would not wait while QEMU takes one caller after the other.
    client.connect(place)
    return client
