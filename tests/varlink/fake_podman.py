"""A podman that pretends: REST over a unix socket, with the answers that a test lays out."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROOT = "/v5.0.0/libpod"
SERVER = "Libpod/5.4.2 (linux)"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def filters(self) -> Any:
        return json.loads(self.query["filters"][0])


@dataclass(frozen=True)
class Answer:
    """A status and a body; a list of pieces goes in chunks, and `cut` never ends them."""

    body: Any = b""
    status: int = 200
    cut: bool = False


@dataclass
class FakePodman:
    """Serves from `path`; `on` lays out an answer, `asked` has the requests but the pings."""

    path: Path
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    """Paths whose requests are answered before their body has come."""

    def __enter__(self) -> Self:
        self._server = _Server(str(self.path), _Handler)
        self._server.podman = self
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        self.asked, self.answers, self.unread = [], {}, set()

    def on(
        self, method: str, path: str, body: Any = b"", *, status: int = 200, cut: bool = False
    ) -> None:
        """From now on; several answers to the same request come one after the other."""
        self.answers.setdefault((method, path), []).append(Answer(body, status, cut))

    def refuse(self, method: str, path: str, status: int, message: str, **more: Any) -> None:
        """podman's form of an error."""
        told = {"cause": message, "message": message, "response": status, **more}
        self.on(method, path, told, status=status)

    def hijack(self, path: str, talk: Callable[[Any], None]) -> None:
        """A POST whose connection is handed to `talk`."""
        self.answers[("POST", path)] = talk

    def last(self, method: str, path: str) -> Asked:
        """The latest such request."""
        return [one for one in self.asked if (one.method, one.path) == (method, path)][-1]

    def answer(self, method: str, path: str) -> Any:
        found = self.answers.get((method, path))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        message = "no such object"
        told = {"cause": message, "message": f"{message}: {path}", "response": 404}
        return found or Answer(told, 404)


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    podman: FakePodman

    def handle_error(self, *_: object) -> None:
        """A gateway that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        StreamRequestHandler.setup(self)

    def log_message(self, *_: object) -> None:
        """Tests are silent."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        if path == "/libpod/_ping":
            self._send(Answer(b"OK"))
            return
        path = path.removeprefix(ROOT)
        query = parse_qs(parts.query)
        podman = self.server.podman
        length = int(self.headers.get("Content-Length") or 0)
        body = b"" if path in podman.unread else self.rfile.read(length)
        podman.asked.append(Asked(self.command, path, query, dict(self.headers), body))
        answer = podman.answer(self.command, path)
        if isinstance(answer, Answer):
            self._send(answer)
        else:
            self.close_connection = True
            answer(self)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Libpod-API-Version", "5.4.2")
        self.send_header("Server", SERVER)
        if isinstance(answer.body, list) and all(isinstance(part, bytes) for part in answer.body):
            self._stream(answer) if answer.body else self._whole(b"[]")
        else:
            body = answer.body
            self._whole(body if isinstance(body, bytes) else json.dumps(body).encode())

    def _whole(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, answer: Answer) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in answer.body:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if answer.cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")


def lines(*told: Any) -> list[bytes]:
    """JSON lines as podman streams them."""
    return [json.dumps(one).encode() + b"\n" for one in told]


def log(stream: int, text: str) -> bytes:
    """A piece of a container's log or output."""
    data = text.encode()
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data
