"""One machine with a busybox image, for all tests of ports and of the network around a machine."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import Docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.boot.person import Person
    from tests.debian_tools import Tools


@pytest.fixture
def docker(machine: Person, tools: Tools, busybox_tar: bytes) -> Iterator[Docker]:
    """Docker's command line at the machine; no container outlives the test."""
    client = Docker(tools.program("usr/bin/docker", "docker-cli"), machine)
    client.have_busybox(busybox_tar)
    yield client
    if machine.qemu() is not None and (left := client("ps", "-aq").split()):
        client.remove(*left)


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port of this computer that nobody has just now."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as asker:
            return int(asker.getsockname()[1])

    return find
