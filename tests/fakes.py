"""Stand-ins for what runs in and beside a machine, each on a real unix socket."""

from __future__ import annotations

import contextlib
import json
import select
import shutil
import socket
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

UUID = "6b32502b-1c54-4c5c-9d3a-08d7a0f1f001"


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name: pytest's may be too long."""
    path = Path(tempfile.mkdtemp(prefix="b2p-", dir="/tmp"))
    try:
        yield path
    finally:
        # A resume has a program of its own remove the used state: both may be at it.
        deadline = time.monotonic() + 10
        while path.exists() and time.monotonic() < deadline:
            shutil.rmtree(path, ignore_errors=True)
        assert not path.exists()


class UnixServer:
    """Listens on a unix socket and serves each connection in a thread by `serve`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.accepted = 0
        self.stopping = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._threads: list[threading.Thread] = []
        self._peers: list[socket.socket] = []

    def serve(self, peer: socket.socket) -> None:
        """Talk to one client; what it raises of OSError ends the talk."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._socket.bind(str(self.path))
        self._socket.listen()
        self._start(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for one in [self._socket, *self._peers]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for one in [self._socket, *self._peers]:
            one.close()
        self.path.unlink(missing_ok=True)

    def _listen(self) -> None:
        while not self.stopping.is_set():
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            self._peers.append(peer)
            if self.stopping.is_set():
                # Too late to be seen by the end, which would wait for it.
                return
            self._start(partial(self._serve, peer))

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.serve(peer)
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()


GREETING = {
    "QMP": {
        "version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": ""},
        "capabilities": ["oob"],
    }
}
HANGS = object()
"""A reply that never comes."""
HANGS_UP = object()
"""Instead of a reply the connection is closed."""


def event(name: str, **data: object) -> dict[str, Any]:
    """An event as QMP sends it."""
    return {
        "event": name,
        "data": data,
        "timestamp": {"seconds": 1700000000, "microseconds": 0},
    }


class QmpServer(UnixServer):
    """QEMU's monitor with scripted replies; like QEMU it serves one client at a time.

    `replies` give for each command what it returns: a value, an Exception (its text becomes a
    GenericError), HANGS or HANGS_UP. `events` give for each command what is sent after its reply;
    those of "" come right after the negotiation.
    """

    def __init__(
        self,
        path: Path,
        replies: Mapping[str, object] | None = None,
        *,
        uuid: str = UUID,
        events: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
        mute: bool = False,
    ) -> None:
        super().__init__(path)
        self.replies: dict[str, object] = {
            "qmp_capabilities": {},
            "query-uuid": {"UUID": uuid},
            "query-status": {"status": "running", "running": True},
            "quit": {},
            **(replies or {}),
        }
        self.events = dict(events or {})
        self.mute = mute
        self.heard: list[dict[str, Any]] = []
        self._busy = threading.Lock()

    def serve(self, peer: socket.socket) -> None:
        """Greet, then answer command by command."""
        with self._busy:
            if self.mute:
                self.stopping.wait(10)
                return
            _send(peer, GREETING)
            decoder = json.JSONDecoder()
            text = ""
            while data := peer.recv(65536):
                text += data.decode()
                while text := text.lstrip():
                    try:
                        command, end = decoder.raw_decode(text)
                    except ValueError:
                        break
                    text = text[end:]
                    if not self._answer(peer, command):
                        return

    def _answer(self, peer: socket.socket, command: dict[str, Any]) -> bool:
        self.heard.append(command)
        name = str(command["execute"])
        mark = {"id": command["id"]} if "id" in command else {}
        reply = self.replies.get(name, LookupError(f"The command {name} has not been found"))
        if reply is HANGS_UP:
            return False
        if isinstance(reply, Exception):
            _send(peer, {"error": {"class": "GenericError", "desc": str(reply)}, **mark})
        elif reply is not HANGS:
            _send(peer, {"return": reply, **mark})
        after = "" if name == "qmp_capabilities" else name
        for one in self.events.get(after, ()):
            _send(peer, one)
        return name != "quit"


class GuestFeed(UnixServer):
    """The control port of a guest: keeps what it hears, says what it is told to.

    `script` is sent as soon as somebody connects. `reply` may answer each request it hears.
    """

    def __init__(
        self,
        path: Path,
        script: bytes = b"",
        *,
        reply: Callable[[dict[str, Any]], bytes] = lambda _: b"",
        hangs_up: bool = False,
    ) -> None:
        super().__init__(path)
        self.script = script
        self.reply = reply
        self.hangs_up = hangs_up
        self.raw = b""

    @property
    def heard(self) -> list[dict[str, Any]]:
        """The requests so far."""
        return [json.loads(line) for line in self.raw.split(b"\n") if line.strip()]

    def serve(self, peer: socket.socket) -> None:
        """Say the script, then answer line by line."""
        peer.sendall(self.script)
        if self.hangs_up:
            return
        while data := peer.recv(65536):
            known = self.raw.count(b"\n")
            self.raw += data
            for line in self.raw.split(b"\n")[known:-1]:
                if line.strip():
                    peer.sendall(self.reply(json.loads(line)))


class Pinger(UnixServer):
    """An engine's API: each connection gets the next of `answers`, the last one over and over.

    An answer is (status, body), HANGS or HANGS_UP.
    """

    def __init__(self, path: Path, *answers: tuple[int, bytes] | object) -> None:
        super().__init__(path)
        self.answers = list(answers) or [(200, b"OK")]
        self.requests: list[str] = []

    def serve(self, peer: socket.socket) -> None:
        """Read one request, give one answer."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        request = b""
        while b"\r\n\r\n" not in request:
            if not (data := peer.recv(65536)):
                return
            request += data
        self.requests.append(request.split(b"\r\n", 1)[0].decode())
        if answer is HANGS:
            self.stopping.wait(10)
        elif isinstance(answer, tuple):
            status, body = answer
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
            peer.sendall(head.encode() + body)


class ConsoleFeed(UnixServer):
    """A serial console that plays a transcript, in pieces of `chunk` bytes, and then stays open.

    What a person types is kept in `typed`, and echoed where `echo` is set.
    """

    def __init__(
        self, path: Path, transcript: bytes = b"", *, chunk: int = 7, echo: bool = False
    ) -> None:
        super().__init__(path)
        self.transcript = transcript
        self.chunk = chunk
        self.echo = echo
        self.typed = b""
        self.hang_up = threading.Event()

    def serve(self, peer: socket.socket) -> None:
        """Play, then listen."""
        for start in range(0, len(self.transcript), self.chunk):
            peer.sendall(self.transcript[start : start + self.chunk])
        while not self.hang_up.is_set() and not self.stopping.is_set():
            if not select.select([peer], [], [], 0.02)[0]:
                continue
            data = peer.recv(65536)
            if not data:
                return
            self.typed += data
            if self.echo:
                peer.sendall(data)


def _send(peer: socket.socket, message: Mapping[str, object]) -> None:
    peer.sendall(json.dumps(message).encode() + b"\r\n")
