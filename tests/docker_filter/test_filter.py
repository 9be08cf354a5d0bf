"""The filter for docker's clients, as the process that it is in a guest, before a fake podman."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from typing import TYPE_CHECKING, Any, Self

import pytest

from b2p import firmware
from tests.fakes import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = firmware.directory() / "guest/usr/lib/b2p"
START = """
import os, socket, sys
folder, door, podman, idle = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX); listener.bind(door + "-"); listener.listen()
os.rename(door + "-", door)
sys.path.insert(0, folder)
from docker_filter.passing import door
door(listener, podman, float(idle)).run()
"""
BLOB = os.urandom(3 << 20)


class Podman(BaseHTTPRequestHandler):
    """As podman 5.4 answers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith("/version"):
            details = {"APIVersion": "5.4.2", "MinAPIVersion": "4.0.0"}
            found = {
                "ApiVersion": "1.41",
                "Components": [{"Name": "Podman Engine", "Details": details}, {"Name": "crun"}],
            }
            self._say(json.dumps(found).encode(), "application/json")
        elif path.endswith("/_ping"):
            self._say(b"" if self.command == "HEAD" else b"OK", "text/plain")
        else:
            self._say(f"{self.command} {self.path}".encode(), "text/plain")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self._say(self.rfile.read(int(self.headers["Content-Length"])), "text/plain")

    def _say(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Engine(ThreadingUnixStreamServer):
    """As many may wait at it as at systemd's sockets."""

    daemon_threads = True
    request_queue_size = 100


class Client(http.client.HTTPConnection):
    """One connection to a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[str | None, bytes]:
        """The version in the answer's head, and its body."""
        self.request(method, path, body)
        answer = self.getresponse()
        assert answer.status == 200
        return answer.headers["Api-Version"], answer.read()


def asked(path: Path, method: str, question: str, body: bytes | None = None) -> Any:
    """What one connection's one question gives."""
    with Client(path) as client:
        return client.ask(method, question, body)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    with short_directory() as directory:
        yield directory


@pytest.fixture
def podman(place: Path) -> Iterator[Path]:
    """The socket of an engine that pretends."""
    path = place / "podman.sock"
    with Engine(str(path), Podman) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield path
        server.shutdown()
        thread.join()


def begun(place: Path, podman: Path, idle: float) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", START, FOLDER, place / "docker.sock", podman, str(idle)]
    process = subprocess.Popen([str(word) for word in words], stderr=subprocess.PIPE)
    while not (place / "docker.sock").exists():
        assert process.poll() is None
    return process


@pytest.fixture
def door(place: Path, podman: Path) -> Iterator[Path]:
    """The filter's socket."""
    process = begun(place, podman, 300)
    yield place / "docker.sock"
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "/_ping"), ("GET", "/_ping"), ("GET", "/v1.24/_ping"), ("GET", "/_ping?x=1")],
)
def test_a_ping_is_answered_with_the_version_that_clients_insist_on(
    door: Path, method: str, path: str
) -> None:
    assert asked(door, method, path) == ("1.44", b"" if method == "HEAD" else b"OK")


def test_the_version_says_so_too_and_keeps_podmans_own(door: Path) -> None:
    version, body = asked(door, "GET", "/v1.41/version")
    assert version == "1.44"
    found = json.loads(body)
    assert found["ApiVersion"] == "1.44"
    assert found["Components"][0]["Details"]["APIVersion"] == "5.4.2"


def test_on_one_connection_questions_and_bytes_pass_after_a_ping(door: Path) -> None:
    with Client(door) as client:
        client.ask("HEAD", "/_ping")
        client.ask("GET", "/version")
        assert client.ask("GET", "/v1.44/containers/json")[1] == b"GET /v1.44/containers/json"
        assert client.ask("POST", "/v1.44/images/load", BLOB)[1] == BLOB
        assert client.ask("GET", "/libpod/_ping/x")[1] == b"GET /libpod/_ping/x"


def test_many_come_at_once(door: Path) -> None:
    found = []

    def come() -> None:
        try:
            with Client(door) as client:
                version, _ = client.ask("HEAD", "/_ping")
                found.append((version, client.ask("POST", "/x", BLOB)[1] == BLOB))
        except (OSError, http.client.HTTPException) as error:
            found.append((repr(error), False))

    threads = [threading.Thread(target=come) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [("1.44", True)] * 20


@pytest.mark.parametrize("sent", [b"", b"nonsense\r\n\r\n", b"GET /_ping", b"x" * 100_000])
def test_who_speaks_no_http_harms_nobody(door: Path, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as odd:
        odd.connect(str(door))
        odd.sendall(sent)
        odd.shutdown(socket.SHUT_WR)
        odd.settimeout(60)
        while odd.recv(1 << 16):
            pass
    assert asked(door, "GET", "/_ping") == ("1.44", b"OK")


def test_without_an_engine_the_connection_ends(place: Path) -> None:
    process = begun(place, place / "missing", 300)
    try:
        with pytest.raises(OSError):
            asked(place / "docker.sock", "GET", "/_ping")
        assert process.stderr is not None
        assert b"a connection was ended" in process.stderr.readline()
    finally:
        process.kill()
        process.communicate()


def test_it_ends_once_nobody_came_for_a_while(place: Path, podman: Path) -> None:
    process = begun(place, podman, 0.5)
    asked(place / "docker.sock", "GET", "/_ping")
    assert process.wait(60) == 0
    process.communicate()


@pytest.mark.parametrize(
    ("theirs", "told"), [("1.41", "1.44"), ("1.44", "1.44"), ("1.48", "1.48"), ("odd", "odd")]
)
def test_a_newer_podman_is_believed(
    theirs: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from docker_filter import answers

    assert answers.raised(theirs) == told
