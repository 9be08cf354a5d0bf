"""Input and output of a container, framed both ways over an upgraded connection.

A frame is a byte that says where to, three zeros, a big-endian length, and so many bytes.
"""

from __future__ import annotations

import json
import socket
import threading
import time

from ..call import Upgrade
from ..errors import RestError, error_occurred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ..call import Call
    from ..rest import Response
    from ..wire import Connection

    Json = dict[str, Any]

OUT, IN, ERROR, RESIZE, QUIT, HANG_UP = range(6)
PODMAN_ERROR = 2
HEADER = 8
FRAME_LIMIT = 1 << 20
CHUNK = 1 << 16
PATIENCE, PAUSE = 20, 0.05
"""podman learns of a container's end a little after its output has ended."""


def attach(call: Call) -> Upgrade:
    """Joins a container; with `start`, starts it once the caller hears it."""
    name, start = call["name"], call["start"]
    told = call.rest.get("containers", name, "json")
    if not start and told["State"]["Status"] != "running":
        raise error_occurred(f"container {name!r} does not run")
    query = dict.fromkeys(("stream", "stdin", "stdout", "stderr"), True)
    hijacked = call.rest.hijack(
        "containers", told["Id"], "attach", detachKeys=call["detachKeys"] or None, **query
    )
    if start:
        try:
            call.rest.status("POST", "containers", told["Id"], "start")
        except RestError:
            hijacked.close()
            raise

    def resize(size: Json) -> None:
        call.rest.status("POST", "containers", told["Id"], "resize", **size)

    def status() -> int:
        return _ended(call, told["Id"])

    session = Session(hijacked, resize, status, tty=bool(told["Config"].get("Tty")))
    return Upgrade({}, session.talk, hijacked.close)


def _ended(call: Call, identity: str) -> int:
    """A container's exit status; 0 for one that runs on, since the client has detached."""
    for _ in range(PATIENCE):
        state = call.rest.get("containers", identity, "json")["State"]
        if state["Status"] not in ("running", "paused", "stopping"):
            return int(state.get("ExitCode") or 0)
        time.sleep(PAUSE)
    return 0


def exec_container(call: Call) -> Upgrade:
    """Runs a command in a running container."""
    options = call["opts"]
    made = call.rest.post("containers", options["name"], "exec", body=command(options))["Id"]
    body = {"Detach": False, "Tty": options["tty"]}
    hijacked = call.rest.hijack("exec", made, "start", body=body)

    def resize(size: Json) -> None:
        call.rest.status("POST", "exec", made, "resize", **size)

    def status() -> int:
        return int(call.rest.get("exec", made, "json").get("ExitCode") or 0)

    session = Session(hijacked, resize, status, tty=options["tty"])
    return Upgrade({}, session.talk, hijacked.close)


def command(options: Json) -> Json:
    """The body that prepares an ExecOpts."""
    return {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Cmd": options["cmd"],
        "DetachKeys": options["detachKeys"] or "",
        "Env": options["env"] or [],
        "Privileged": options["privileged"],
        "Tty": options["tty"],
        "User": options["user"] or "",
        "WorkingDir": options["workdir"] or "",
    }


class Session:
    """Carries frames between a client and podman until either ends."""

    def __init__(
        self,
        podman: Response,
        resize: Callable[[Json], None],
        status: Callable[[], int],
        *,
        tty: bool,
    ) -> None:
        self._podman = podman
        self._resize = resize
        self._status = status
        self._pieces = from_terminal if tty else from_pipes
        self._client_left = False

    def talk(self, connection: Connection) -> None:
        """Until podman closes; then tells the exit status. A client that closes just leaves."""
        threading.Thread(target=self._listen, args=(connection,), daemon=True).start()
        with self._podman:
            for destination, data in self._pieces(self._podman.raw.fp):
                connection.write(frame(destination, data))
        if not self._client_left:
            connection.write(frame(QUIT, self._exit_status().to_bytes(4, "big")))

    def _listen(self, connection: Connection) -> None:
        """The client's frames, until it closes or sends what is no frame."""
        try:
            while (header := connection.read_exactly(HEADER)) and len(header) == HEADER:
                length = int.from_bytes(header[4:], "big")
                if length > FRAME_LIMIT:
                    break
                self._take(header[0], connection.read_exactly(length))
        except OSError:
            pass  # podman closed; whoever writes to the client says so
        self._client_left = True
        self._podman.abort()

    def _take(self, destination: int, data: bytes) -> None:
        if destination == IN:
            self._podman.socket.sendall(data)
        elif destination == HANG_UP:
            self._podman.socket.shutdown(socket.SHUT_WR)
        elif destination == RESIZE:
            try:
                told = json.loads(data)
                self._resize({"w": int(told["Width"]), "h": int(told["Height"])})
            except (ValueError, KeyError, TypeError, OverflowError, RestError):
                pass  # the window's size is only a wish

    def _exit_status(self) -> int:
        try:
            return self._status() & 0xFFFFFFFF
        except RestError:
            return 0  # it was removed when it ended


def frame(destination: int, data: bytes) -> bytes:
    """A frame."""
    return bytes((destination, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def from_terminal(source: Any) -> Iterator[tuple[int, bytes]]:
    """A terminal's output, which podman sends as it is."""
    while data := source.read1(CHUNK):
        yield OUT, data


def from_pipes(source: Any) -> Iterator[tuple[int, bytes]]:
    """Output and errors, which podman sends in frames much like ours."""
    while len(header := source.read(HEADER)) == HEADER:
        data = source.read(int.from_bytes(header[4:], "big"))
        yield (ERROR if header[0] == PODMAN_ERROR else OUT), data
