"""Looking at ports of this computer, and at what `b2p port` tells of them."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

from tests.boot.engine import BUSYBOX

if TYPE_CHECKING:
    from tests.boot.engine import Docker
    from tests.boot.person import Person

SERVE = "mkdir -p /www; echo {word} > /www/index.html; exec busybox httpd -f -p {port} -h /www"


def serve(docker: Docker, name: str, word: str, *options: str, port: int = 80) -> None:
    """A container that serves one word by HTTP."""
    line = SERVE.format(word=word, port=port)
    docker("run", "-d", "--name", name, *options, BUSYBOX, "sh", "-c", line)


def fetched(port: int, address: str = "127.0.0.1") -> str:
    """What is served at a port of this computer; empty where nothing is."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode().strip()
    except OSError:
        return ""
    finally:
        connection.close()


def is_closed(port: int) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    return not is_closed(port)


def echoes(port: int) -> bool:
    """Whether what is sent to a UDP port comes back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(2)
        asker.sendto(b"ping", ("127.0.0.1", port))
        try:
            return asker.recv(100) == b"ping"
        except OSError:
            return False


def listed(person: Person, name: str = "default") -> list[dict[str, Any]]:
    """What `b2p port` tells."""
    found: list[dict[str, Any]] = json.loads(person.b2p("port", name, "--json").out)["ports"]
    return found


def listeners(person: Person, name: str = "default") -> set[tuple[str, int]]:
    """The addresses and ports of TCP at which the machine's QEMU listens."""
    qemu = person.qemu(name)
    assert qemu is not None
    return {
        (one.laddr.ip, one.laddr.port)
        for one in qemu.net_connections("tcp")
        if one.status == "LISTEN"
    }
