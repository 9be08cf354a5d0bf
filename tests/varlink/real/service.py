"""A machine's varlink for tests: a connection a call, containers that go when the test ends."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import Any

from scripts.lib.varlink_wire import IN, QUIT, Refused, Wire

BUSYBOX = "localhost/busybox:latest"
"""What containers of tests are made of."""
LASTING = ("sh", "-c", "echo begun; exec sleep 1000")


class Service:
    """varlink at one address: `service("GetContainer", id="web")["status"]`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._made: list[str] = []
        self._numbers = itertools.count(1)

    def __call__(self, method: str, /, **parameters: Any) -> Any:
        """What a method answers; its only field where it has one."""
        with self.connect() as wire:
            return wire(method, **parameters)

    def connect(self) -> Wire:
        """A connection of one's own."""
        return Wire(self.address)

    def refusal(self, method: str, /, **parameters: Any) -> Refused:
        """The error that a method must answer with."""
        try:
            told = self(method, **parameters)
        except Refused as error:
            return error
        raise AssertionError(f"{method} answered {told!r}")

    def send(self, data: bytes) -> str:
        """Bring a file to the machine; its path there."""
        with self.connect() as wire:
            path: str = wire.upgrade("SendFile", type="", length=len(data))["file_handle"]
            wire.socket.sendall(data)
            assert wire.read(len(path) + 1) == f"{path}:".encode()
            return path

    def receive(self, path: str, *, delete: bool = True) -> bytes:
        """A file of the machine."""
        with self.connect() as wire:
            return wire.read(wire.upgrade("ReceiveFile", path=path, delete=delete)["len"])

    def create(self, *command: str, **wishes: Any) -> str:
        """A container of the busybox image; its name."""
        name = f"test-{next(self._numbers)}"
        self._made.append(name)
        wish = {"args": [BUSYBOX, *command], "name": name, **wishes}
        self("CreateContainer", create=wish)
        return name

    def run(self, *command: str, **wishes: Any) -> str:
        """A container that was started; its name."""
        name = self.create(*(command or LASTING), **wishes)
        self("StartContainer", name=name)
        return name

    def output(self, *command: str, **wishes: Any) -> str:
        """What a container writes until it ends."""
        name = self.run(*command, **wishes)
        self("WaitContainer", name=name)
        return "".join(line.split(" ", 3)[3] for line in self("GetContainerLogs", name=name))

    def execute(self, name: str, *command: str, stdin: bytes = b"") -> tuple[int, str]:
        """The exit status and the output of a command in a container."""
        with self.connect() as wire:
            wire.upgrade("ExecContainer", opts={"name": name, "cmd": command})
            if stdin:
                wire.frame(IN, stdin)
            return conversation(wire)

    def forget(self) -> None:
        """Remove what was made."""
        while self._made:
            with suppress(Refused):
                self("RemoveContainer", name=self._made.pop(), force=True)


def conversation(wire: Wire) -> tuple[int, str]:
    """The exit status of an attached process, and what it said until then."""
    said = b""
    for destination, data in wire.frames():
        if destination == QUIT:
            return int.from_bytes(data, "big"), said.decode()
        said += data
    raise AssertionError(f"no exit status came after {said!r}")


def parsed(text: str) -> Any:
    """JSON that came as a text."""
    return json.loads(text)
