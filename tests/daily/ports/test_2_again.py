"""Ports after a suspend, a restart, and in machines that are set otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.boot.person import await_true
from tests.daily.ports.reach import fetched, is_closed, listed, listeners, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.daily


def test_after_a_resume_and_a_restart_all_is_forwarded_again(
    docker: Docker, machine: Person, free_port: Callable[[], int]
) -> None:
    ports = [free_port() for _ in range(3)]
    serve(docker, "wide", "wide", "--restart", "always", "-p", f"{ports[0]}:80")
    serve(docker, "inner", "inner", "--restart", "always", "-p", f"127.0.0.1:{ports[1]}:80")
    machine.b2p("port", "add", f"{ports[2]}:{ports[0]}")

    def all_there() -> bool:
        return [fetched(port) for port in ports] == ["wide", "inner", "wide"]

    await_true("all three", all_there)
    machine.b2p("suspend")
    assert all(is_closed(port) for port in ports)
    assert "goes on" in machine.b2p("up").err
    await_true("all three after the resume", all_there)
    machine.b2p("down")
    assert [one["by"] for one in listed(machine)] == ["hand"]
    machine.b2p("up")
    await_true("all three after the restart", all_there)
    machine.b2p("port", "rm", f"{ports[2]}:{ports[0]}")


@pytest.fixture
def kept_in(machine: Person) -> Iterator[Person]:
    """The machine without host calls."""
    machine.b2p("down")
    machine.b2p("up", environment={"B2P_HOST_CALLS": "false"})
    yield machine
    machine.b2p("down")
    machine.b2p("up", environment={"B2P_HOST_CALLS": "true"})


def test_without_host_calls_the_sandbox_is_whole_and_ports_go_by_hand(
    kept_in: Person, docker: Docker, free_port: Callable[[], int]
) -> None:
    port, other = free_port(), free_port()
    qemu = kept_in.qemu()
    assert qemu is not None
    words = qemu.cmdline()
    assert "spawn=deny" in words[words.index("-sandbox") + 1]
    assert "guestfwd" not in " ".join(words)
    serve(docker, "kept", "kept", "-p", f"{port}:80")
    kept_in.b2p("port", "add", f"{other}:{port}")
    try:
        await_true("its word", lambda: fetched(other) == "kept")
        assert is_closed(port)
    finally:
        kept_in.b2p("port", "rm", f"{other}:{port}")


def test_a_machine_that_publishes_everywhere(
    docker: Docker, machine: Person, free_port: Callable[[], int]
) -> None:
    port, other = free_port(), free_port()
    machine.b2p("down")
    machine.b2p("up", environment={"B2P_PUBLISH": "all"})
    try:
        serve(docker, "open", "open", "-p", f"{port}:80")
        serve(docker, "closed", "closed", "-p", f"127.0.0.1:{other}:80")
        await_true("both words", lambda: (fetched(port), fetched(other)) == ("open", "closed"))
        found = listeners(machine)
        assert ("0.0.0.0", port) in found
        assert ("127.0.0.1", other) in found
    finally:
        machine.b2p("down")
        machine.b2p("up", environment={"B2P_PUBLISH": "loopback"})
