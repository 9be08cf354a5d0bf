"""The only way to podman: its REST API over a unix socket, a connection for each request."""

from __future__ import annotations

import http.client
import json
import os
import socket
from contextlib import suppress
from typing import Self
from urllib.parse import quote, urlencode

from .errors import RestError
from .wire import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

NEWEST = 5
CHUNK = 1 << 18
HEADER = 8
STREAMS = {1: "stdout", 2: "stderr"}


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("podman", blocksize=CHUNK)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class Response:
    """An answer that may still be coming."""

    def __init__(
        self,
        connection: _Connection,
        sock: socket.socket,
        raw: http.client.HTTPResponse,
        watch: Watch | None,
    ) -> None:
        self._connection = connection
        self._watch = watch
        self.socket = sock
        self.raw = raw
        self.status = raw.status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of it, whether all of it was read or not."""
        if self._watch:
            self._watch.stop()
            self._watch = None
        self.raw.close()
        self._connection.close()

    def header(self, name: str) -> str:
        """A header, empty when there is none."""
        return self.raw.getheader(name) or ""

    def abort(self) -> None:
        """Ends the answer from another thread; whoever reads it finds its end."""
        _shut(self.socket)

    def body(self) -> bytes:
        """All of it."""
        try:
            return self.raw.read()
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(error) from error

    def json(self) -> Any:
        """All of it, parsed; None for an empty one."""
        data = self.body()
        return _parsed(data) if data.strip() else None

    def objects(self) -> Iterator[dict[str, Any]]:
        """The JSON objects of a stream, as they come, one a line."""
        rest = b""
        for data in self.pieces():
            *lines, rest = (rest + data).split(b"\n")
            yield from (_parsed(line) for line in lines if line.strip())
        if rest.strip():
            yield _parsed(rest)

    def frames(self) -> Iterator[tuple[str, bytes]]:
        """The lines of a log: which stream, and what was written to it."""
        rest = bytearray()
        for data in self.pieces():
            rest += data
            while len(rest) >= HEADER:
                end = HEADER + int.from_bytes(rest[4:HEADER], "big")
                if len(rest) < end:
                    break
                yield STREAMS.get(rest[0], "stdout"), bytes(rest[HEADER:end])
                del rest[:end]

    def save(self, file: BinaryIO) -> None:
        """Writes all of it to a file."""
        file.writelines(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes; a sudden end is an error. http.client misses some of those."""
        missing = self.raw.length
        while data := self._piece():
            yield data
            missing = None if missing is None else missing - len(data)
        if missing:
            raise RestError(0, "podman ended its answer too early")

    def _piece(self) -> bytes:
        try:
            return self.raw.read1(CHUNK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RestError(0, f"podman ended its answer too early: {error!r}") from error


class Rest:
    """podman's API; a path is given in parts, each of which is quoted."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._prefix = ""

    def get(self, *parts: str, **query: Any) -> Any:
        """The JSON of a GET."""
        with self.open("GET", *parts, query=query) as response:
            return response.json()

    def text(self, *parts: str, **query: Any) -> str:
        """The body of a GET as it is."""
        with self.open("GET", *parts, query=query) as response:
            return response.body().decode("utf-8", "replace")

    def post(self, *parts: str, body: Any = None, **query: Any) -> Any:
        """The JSON of a POST."""
        with self.open("POST", *parts, query=query, body=body) as response:
            return response.json()

    def status(self, method: str, *parts: str, **query: Any) -> int:
        """The status where the body says nothing, such as 204 done or 304 nothing to do."""
        with self.open(method, *parts, query=query) as response:
            return response.status

    def delete(self, *parts: str, **query: Any) -> Any:
        """The JSON of a DELETE."""
        with self.open("DELETE", *parts, query=query) as response:
            return response.json()

    def exists(self, *parts: str) -> bool:
        """False for a 404."""
        try:
            return self.status("GET", *parts) < 300
        except RestError as error:
            if error.status != 404:
                raise
            return False

    def open(
        self,
        method: str,
        *parts: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        client: socket.socket | None = None,
    ) -> Response:
        """The answer, its body still to be read. `body` is JSON or an open file.

        With a `client`, the answer ends when that one closes its side; some would never end.
        """
        target = self.prefix() + target_of(parts, query or {})
        return self.request(method, target, body, headers or {}, client)

    def prefix(self) -> str:
        """The API's root: version 5, or 4 where podman is that old."""
        if not self._prefix:
            self.ping()
        return self._prefix

    def ping(self) -> str:
        """Finds podman alive; answers the name and version that it calls its server."""
        with self.request("GET", "/libpod/_ping") as response:
            response.body()
            major = response.header("Libpod-API-Version").partition(".")[0]
            self._prefix = f"/v{4 if major == '4' else NEWEST}.0.0/libpod"
            return response.header("Server")

    def request(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        client: socket.socket | None = None,
    ) -> Response:
        """One request to a whole path; RestError for any answer that is no success."""
        headers = headers or {}
        if body is not None and not hasattr(body, "read"):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **headers}
        elif body is not None:
            headers = {"Content-Length": str(os.fstat(body.fileno()).st_size), **headers}
        connection, watch = _Connection(self.path), None
        try:
            connection.connect()
            sock = connection.sock  # http.client lets go of it when the answer has no length
            watch = Watch(client, lambda: _shut(sock)) if client else None
            with suppress(BrokenPipeError, ConnectionResetError):
                # A refusal may come before all of a body has gone; it is there to be read.
                connection.request(method, target, body, headers)
            response = Response(connection, sock, connection.getresponse(), watch)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if watch:
                watch.stop()
            connection.close()
            raise _unreachable(error) from error
        if response.status >= 400 or 300 <= response.status < 304:
            with response:
                raise refusal(response.status, response.body())
        return response

    def hijack(self, *parts: str, body: Any = None, **query: Any) -> Response:
        """A POST whose connection then carries a container's input and output."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        return self.open("POST", *parts, query=query, body=body, headers=headers)


def target_of(parts: tuple[str, ...], query: dict[str, Any]) -> str:
    """Path and query; an empty name would address the list above it."""
    if "" in parts:
        raise RestError(404, "no name was given")
    path = "".join("/" + _quoted(part) for part in parts)
    pairs = [pair for name, value in query.items() for pair in _pairs(name, value)]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def refusal(status: int, body: bytes) -> RestError:
    """podman's own words for a refusal; the member failures of a pod come as a list."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return RestError(
            status, body.decode("utf-8", "replace").strip() or f"podman answers {status}"
        )
    error = RestError(
        status, str(told.get("message") or told.get("cause") or f"podman answers {status}")
    )
    error.cause = str(told.get("cause") or "")
    error.told = told
    return error


def _quoted(part: str) -> str:
    """A part that no router takes for a separator or for the folder above."""
    quoted = quote(part, safe=":@")
    return quoted.replace(".", "%2E") if part.strip(".") == "" else quoted


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [(name, "true" if value else "false")]
    if isinstance(value, dict):
        return [(name, json.dumps(value))]
    if isinstance(value, (list, tuple)):
        return [(name, str(item)) for item in value]
    return [(name, str(value))]


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise RestError(0, f"podman's answer is no JSON: {error}") from error


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself
        sock.shutdown(socket.SHUT_RDWR)


def _unreachable(error: Exception) -> RestError:
    return RestError(0, f"podman does not answer: {str(error) or type(error).__name__}")
