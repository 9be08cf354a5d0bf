"""The agent's end of the control port, on a socket in place of a virtio-serial port."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def opened(agent: Any, end: socket.socket) -> Any:
    """A port on that end; not a terminal, which could become this process's own."""
    end.setblocking(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", lambda _path, _flags: os.dup(end.fileno()))
        return agent.port.Port("/dev/vport0p1")


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The host's end of the line, and the guest's."""
    host, guest = socket.socketpair()
    with host, guest:
        yield host, guest


@pytest.fixture
def host(line: tuple[socket.socket, socket.socket]) -> socket.socket:
    """The host's end."""
    return line[0]


@pytest.fixture
def port(agent: Any, line: tuple[socket.socket, socket.socket]) -> Iterator[Any]:
    """The guest's end as the agent holds it."""
    found = opened(agent, line[1])
    yield found
    os.close(found.file)


def test_requests_come_line_by_line(port: Any, host: socket.socket) -> None:
    host.sendall(b'\n{"do": "a"}\n{"do": "b"}\n')
    assert list(port.waiting()) == [{"do": "a"}, {"do": "b"}]
    assert list(port.waiting()) == []


def test_half_a_line_waits_for_its_other_half(port: Any, host: socket.socket) -> None:
    host.sendall(b'{"do": ')
    assert list(port.waiting()) == []
    host.sendall(b'"a"}\n')
    assert list(port.waiting()) == [{"do": "a"}]


@pytest.mark.parametrize("noise", [b"no json", b"[1]", b"1", b"\xff\xfe", b'{"half": '])
def test_what_is_no_request_is_passed_over(port: Any, noise: bytes) -> None:
    assert list(port._lines(noise + b'\n{"do": "a"}\n')) == [{"do": "a"}]


def test_a_line_without_end_is_not_kept(agent: Any, port: Any) -> None:
    list(port._lines(b"x" * (agent.port.LONGEST_LINE + 1)))
    assert port.rest == b""


def test_messages_go_out_as_lines(port: Any, host: socket.socket) -> None:
    port.send({"event": "stage", "stage": "ä"})
    port.send({"event": "ready"})
    said = b'{"event":"stage","stage":"\\u00e4"}\n{"event":"ready"}\n'
    assert host.recv(1000) == said


def test_it_sleeps_until_the_host_says_something(port: Any, host: socket.socket) -> None:
    def speak() -> None:
        time.sleep(0.05)
        host.sendall(b'{"do": "a"}\n')

    threading.Thread(target=speak).start()
    began = time.monotonic()
    while not (found := list(port.waiting())) and time.monotonic() < began + 60:
        port.pause(60)
    assert found == [{"do": "a"}]
    assert time.monotonic() - began < 30


def test_a_pause_ends_with_its_time(port: Any) -> None:
    began = time.monotonic()
    port.pause(0.02)
    assert 0.01 < time.monotonic() - began < 30


def test_a_host_that_is_away_is_no_failure(port: Any, host: socket.socket) -> None:
    host.sendall(b'{"do": "a"}\n')
    host.close()
    assert list(port.waiting()) == [{"do": "a"}]
    assert list(port.waiting()) == []
    port.send({"event": "ready"})
    assert list(port.waiting()) == []
