"""What leads a guest's port to an engine's socket, run on this computer as in a guest."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from b2p import firmware
from b2p.host.brought import KITS
from b2p.machine import ports
from b2p.ways.foreign.waiting import leading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MACHINE = platform.machine()
pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or MACHINE not in KITS, reason="it is for Linux"
)

PATIENCE = 30.0
GATEWAY = socket.inet_aton(ports.GATEWAY)
HERE = socket.inet_aton("127.0.0.1")


@contextmanager
def engine(path: Path) -> Iterator[None]:
    """Answers each connection, once its client has said all, with what it said."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer(client: socket.socket) -> None:
            with client:
                said = b"".join(iter(lambda: client.recv(1 << 16), b""))
                client.sendall(said)

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(client,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])


@contextmanager
def led(script: bytes, port: int, path: Path) -> Iterator[subprocess.CompletedProcess[bytes]]:
    """The script as ssh runs it; whoever listens then is gone afterwards."""
    words = ["podman", str(path), str(port), ports.GUEST, ports.GATEWAY]
    ended = subprocess.run(
        ["sh", "-s", "--", *words], input=script, capture_output=True, timeout=PATIENCE
    )
    try:
        yield ended
    finally:
        for one in psutil.net_connections("tcp"):
            if one.laddr and one.laddr.port == port and one.pid and one.status == "LISTEN":
                os.kill(one.pid, signal.SIGKILL)


def for_this_computer(script: bytes) -> bytes:
    """The same with another gateway, since nobody has that address here."""
    old, new = ("".join(f"\\{byte:03o}" for byte in one).encode() for one in (GATEWAY, HERE))
    assert script.count(old) == 1
    return script.replace(old, new)


def asked(port: int, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def test_what_a_client_says_comes_to_the_engine_and_back(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "engine"
    with engine(path), led(for_this_computer(leading(MACHINE)), port, path) as ended:
        assert (ended.returncode, ended.stderr) == (0, b"")
        for text in (b"hello", os.urandom(3 << 20)):
            assert asked(port, text) == text


def test_many_at_once_do_not_wait_for_each_other(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "engine"
    with ExitStack() as stack:
        stack.enter_context(engine(path))
        stack.enter_context(led(for_this_computer(leading(MACHINE)), port, path))
        silent = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        stack.enter_context(silent)
        silent.sendall(b"not all yet")
        assert asked(port, b"quick") == b"quick"
        silent.shutdown(socket.SHUT_WR)
        assert silent.recv(100) == b"not all yet"


def test_who_is_not_the_gateway_is_hung_up_on(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "engine"
    with engine(path), led(leading(MACHINE), port, path) as ended:
        assert ended.returncode == 0
        said = b""
        # Hung up on in the middle of it, or (ENOTCONN) before all was said.
        with contextlib.suppress(OSError):
            said = asked(port, b"from a container")
        assert said == b""


def test_a_second_start_finds_it_listening(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "engine"
    script = for_this_computer(leading(MACHINE))
    with engine(path), led(script, port, path), led(script, port, path) as again:
        assert (again.returncode, again.stderr) == (0, b"")
        assert asked(port, b"still there") == b"still there"


def test_a_guest_with_nothing_for_it_is_told(tmp_path: Path) -> None:
    """Without the program, where neither systemd's proxy nor socat is."""
    plain = firmware.file("foreign/lead").read_bytes()
    nothing = plain.replace(b"/run/systemd/system", b"/nowhere").replace(b"socat >", b"no-socat >")
    path = tmp_path / "engine"
    with engine(path), led(nothing, free_port(), path) as ended:
        assert ended.returncode == 3
        assert b"has nothing that leads port" in ended.stderr
