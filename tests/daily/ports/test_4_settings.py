"""What a machine's owner may decide about its ports: open to the network, or nothing by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import await_true, words_of
from tests.daily.ports.reach import fetched, is_closed, listed, listeners, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.boot.person import Person
    from tests.debian_tools import Tools

pytestmark = pytest.mark.daily


@pytest.fixture
def begin(
    person: Person, tools: Tools, busybox_tar: bytes
) -> Iterator[Callable[[str, dict[str, str]], Docker]]:
    """Starts a machine with settings of its own, gone afterwards."""
    names = []

    def start(name: str, settings: dict[str, str]) -> Docker:
        names.append(name)
        person.b2p("up", name, environment=settings)
        client = Docker(tools.program("usr/bin/docker", "docker-cli"), person, name)
        client.load_busybox(busybox_tar, BUSYBOX)
        return client

    yield start
    for name in names:
        person.b2p("rm", "-f", name)


def test_publish_all_opens_containers_ports_and_nothing_else(
    begin: Callable[[str, dict[str, str]], Docker],
    person: Person,
    free_port: Callable[[], int],
) -> None:
    docker = begin("open", {"B2P_PUBLISH": "all"})
    shown, inner = free_port(), free_port()
    serve(docker, "web", "hello", "-p", f"{shown}:80")
    serve(docker, "base", "inner", "-p", f"127.0.0.1:{inner}:80")
    await_true("the words", lambda: (fetched(shown), fetched(inner)) == ("hello", "inner"))
    addresses = {port: address for address, port in listeners(person, "open")}
    assert addresses.pop(shown) == "0.0.0.0"
    assert set(addresses.values()) == {"127.0.0.1"}


def test_without_host_calls_qemu_starts_nothing_and_ports_are_added_by_hand(
    begin: Callable[[str, dict[str, str]], Docker],
    person: Person,
    free_port: Callable[[], int],
) -> None:
    docker = begin("closed", {"B2P_HOST_CALLS": "false"})
    port = free_port()
    serve(docker, "web", "hello", "-p", f"{port}:80")
    qemu = person.qemu("closed")
    assert qemu is not None
    sandbox = words_of(qemu)[words_of(qemu).index("-sandbox") + 1]
    assert "spawn=deny" in sandbox
    assert "elevateprivileges=deny" in sandbox
    assert not listed(person, "closed")
    assert is_closed(port)
    person.b2p("port", "add", "--machine", "closed", f"{port}:{port}")
    await_true("the word", lambda: fetched(port) == "hello")
