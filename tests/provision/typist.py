"""Runs a dialogue, as b2p does, against a program on a terminal instead of a serial port."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

from b2p.control import dialogue
from tests.fakes import short_directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pexpect

    from b2p.provision.dialogue import Step

HURRY = 0.06
"""Steps count on a guest's pace; a program here answers at once or never."""


def run(steps: Sequence[Step], child: pexpect.spawn[bytes]) -> dict[str, str]:
    """What the steps kept."""
    with short_directory() as root:
        console = root / "console.sock"
        serial = threading.Thread(target=_serve, args=(_listening(console), child), daemon=True)
        serial.start()
        try:
            return dialogue.play(console, steps, timeout=60, slowness=HURRY, pause=0)
        finally:
            serial.join(5)


def _listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def _serve(listener: socket.socket, child: pexpect.spawn[bytes]) -> None:
    """As QEMU does: bytes both ways between the one client and the port."""
    terminal = child.child_fd
    # An OSError: the program ended, or the client left.
    with listener, listener.accept()[0] as client, contextlib.suppress(OSError):
        while True:
            both: list[Any] = [client, terminal]
            ready, _, _ = select.select(both, [], [], 5)
            if not ready:
                return
            if client in ready:
                if not (typed := client.recv(4096)):
                    return
                os.write(terminal, typed)
            if terminal in ready:
                client.sendall(os.read(terminal, 4096))
