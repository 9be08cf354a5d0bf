"""Why a port cannot be had, asked of this very computer."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from b2p.host import holder


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_is_free_or_taken_by_a_process_with_a_name(protocol: str) -> None:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as mine:
        mine.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            mine.listen()
        port = mine.getsockname()[1]
        assert holder.reason(protocol, "127.0.0.1", port) == "taken"
        assert holder.reason(protocol, "0.0.0.0", port) == "taken"
        assert holder.holder(protocol, port).endswith(f" (pid {os.getpid()})")
    assert holder.reason(protocol, "127.0.0.1", port) == "free"


def test_a_right_that_is_missing_is_another_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, _address: object) -> None:
            raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("b2p.host.holder.socket.socket", Refusing)
    assert holder.reason("tcp", "127.0.0.1", 80) == "forbidden"


def test_a_holder_that_cannot_be_seen_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.net_connections", lambda _kind: [])
    assert holder.holder("tcp", 1) == holder.UNKNOWN


def test_a_machine_is_told_by_its_name() -> None:
    import psutil

    class Machine(psutil.Process):
        def cmdline(self) -> list[str]:
            return ["qemu", "-name", "b2p-web,process=b2p-web", "-uuid", "u"]

    assert holder._name(Machine()) == f"machine 'web' (pid {os.getpid()})"
