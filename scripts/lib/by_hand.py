"""What b2p is measured against: the same QEMU command, started and talked to by the least of code.

Imports nothing of b2p's; it speaks the control port's JSON lines and HTTP by itself.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 300.0
PAUSE = 0.02


def answered(path: Path, target: str = "/_ping", timeout: float = 15.0) -> bool:
    """Whether the engine at a socket answers one GET with 200."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        client.connect(str(path))
        client.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        said = b""
        while part := client.recv(1 << 16):
            said += part
        return b" 200 " in said.partition(b"\r\n")[0]
    return False


class Control:
    """The guest's control port."""

    def __init__(self, path: Path) -> None:
        self._socket = _connected(path)
        self._lines = self._socket.makefile("rb")

    def send(self, **request: Any) -> None:
        self._socket.sendall(b"\n" + json.dumps(request).encode() + b"\n")

    def messages(self) -> Iterator[dict[str, Any]]:
        for line in self._lines:
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class Hand:
    """A stopped machine of b2p's, started without b2p."""

    def __init__(self, facts: dict[str, Any], data: Path) -> None:
        """`facts` are those of `b2p inspect`; `data` is b2p's directory of data."""
        self._command: list[str] = facts["decided"]["command"]
        self._files = {name: Path(path) for name, path in facts["files"].items()}
        self._identity = {
            "name": facts["name"],
            "authorized_keys": [(data / "id_ed25519.pub").read_text().strip()],
            "host_keys": {"ssh_host_ed25519_key": self._files["host_key"].read_text()},
        }

    def up(self) -> tuple[float, subprocess.Popen[bytes]]:
        """Seconds from starting QEMU to the engine's answer, and QEMU."""
        began = time.monotonic()
        qemu = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        control = Control(self._files["control"])
        told = False
        for message in control.messages():
            if not told:
                control.send(id=1, do="identity", time=time.time(), **self._identity)
                told = True
            if message.get("event") == "ready":
                break
        while not answered(self._files["podman"]):
            time.sleep(PAUSE)
        seconds = time.monotonic() - began
        control.close()
        return seconds, qemu

    def down(self, qemu: subprocess.Popen[bytes]) -> None:
        """Power it off."""
        control = Control(self._files["control"])
        control.send(id=2, do="poweroff")
        try:
            qemu.wait(PATIENCE)
        finally:
            qemu.kill()
            control.close()


def _connected(path: Path) -> socket.socket:
    """Connected to a socket that may not be there yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
        except OSError:
            client.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            client.settimeout(PATIENCE)
            return client
