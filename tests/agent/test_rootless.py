"""Ports of core's containers: heard of by cgroups, read from the kernel's tables of sockets."""

from __future__ import annotations

import pwd
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode"
USER = 1234


def row(address: str, state: str, inode: int, remote: str = "00000000:0000") -> str:
    """A line as the kernel writes it."""
    rest = f"00000000:00000000 00:00000000 00000000 {USER} 0 {inode} 1 0 100 0 0 10 0"
    return f"   0: {address} {remote} {state} {rest}"


def found(agent: Any, protocol: str, state: str, *rows: str) -> list[tuple[Any, ...]]:
    """Address and port of those that are told, of the sockets 7 and 8."""
    table = "\n".join((HEAD, *rows))
    told = agent.rootless.listeners(table, protocol, state, {"7", "8"})
    return [(one.protocol, one.address, one.port, one.target, one.target_port) for one in told]


def test_listeners_of_others_and_connections_are_left_out(agent: Any) -> None:
    rows = (
        row("00000000:1F90", "0A", 7),
        row("0100007F:1538", "0A", 8),
        row("00000000:0016", "0A", 9),
        row("0F02000A:1F90", "01", 7, "0202000A:9C40"),
    )
    assert found(agent, "tcp", "0A", *rows) == [
        ("tcp", "", 8080, "127.0.0.1", 8080),
        ("tcp", "127.0.0.1", 5432, "127.0.0.1", 5432),
    ]


def test_sockets_of_ipv6_that_take_ipv4_count(agent: Any) -> None:
    rows = (
        row(f"{'0' * 32}:1F90", "07", 7, f"{'0' * 32}:0000"),
        row("0000000000000000FFFF00000100007F:0035", "07", 8),
        row("00000000000000000000000001000000:0036", "07", 8),
    )
    assert [one[1:3] for one in found(agent, "udp", "07", *rows)] == [("", 8080), ("127.0.0.1", 53)]


@pytest.fixture
def groups(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in place of the cgroups'."""
    monkeypatch.setattr(agent.rootless, "GROUPS", str(tmp_path))
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: SimpleNamespace(pw_uid=USER))
    return tmp_path


def test_scopes_are_heard_of_from_before_cores_systemd_runs(agent: Any, groups: Path) -> None:
    scopes = agent.rootless.of_core(None)
    try:
        assert not scopes.changed()
        slice_ = groups / f"user.slice/user-{USER}.slice/user@{USER}.service/user.slice"
        # Step by step, as systemd does: each is watched once the one above has told of it.
        for folder in (*reversed(slice_.parents[:3]), slice_):
            folder.mkdir()
            assert scopes.changed()
        assert not scopes.changed()
        (slice_ / "libpod-1.scope").mkdir()
        assert scopes.changed()
        (slice_ / "libpod-1.scope").rmdir()
        assert scopes.changed()
        assert not scopes.changed()
        assert agent.rootless.of_core(scopes) is scopes
    finally:
        scopes.close()


def test_another_number_of_core_has_other_scopes(
    agent: Any, groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert groups.exists()
    first = agent.rootless.of_core(None)
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: SimpleNamespace(pw_uid=USER + 1))
    second = agent.rootless.of_core(first)
    assert second.user == USER + 1
    second.close()


def test_sockets_are_those_of_helpers_alone(agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = str(Path("/proc/self/exe").readlink())
    monkeypatch.setattr(agent.rootless, "HELPERS", (mine,))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = [one for one in agent.rootless.translations() if one.port == port]
        assert [(one.protocol, one.address) for one in told] == [("tcp", "127.0.0.1")]
        monkeypatch.setattr(agent.rootless, "HELPERS", ("/none",))
        assert agent.rootless.translations() == []
