"""The agent in an image with docker: what it does otherwise than with podman."""

from __future__ import annotations

import json
import os
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.test_rules import attribute, compared, expression, number, payload, read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(docker_agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in place of the guest's."""
    for name in ("SSH", "SHELL", "BUNDLE", "KEPT", "ENGINE", "REGISTRIES"):
        monkeypatch.setattr(docker_agent.surroundings, name, str(tmp_path / name))
    monkeypatch.setattr(docker_agent.kinds.HERE, "settings", str(tmp_path / "run/daemon.json"))
    return tmp_path


def test_docker_waits_at_its_settings_and_then_reads_them(
    docker_agent: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = root / "daemon.json"
    os.mkfifo(place)
    monkeypatch.setattr(docker_agent.gate, "PATH", str(place))
    gate = docker_agent.gate.Gate()
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(place.read_text()))
    reader.start()
    told = {"registries": json.dumps({"insecure-registries": ["10.0.2.2:5000"]})}
    assert docker_agent.surroundings.apply(told) is True
    gate.open()
    reader.join(30)
    wanted = {"host-gateway-ip": "10.0.2.2", "insecure-registries": ["10.0.2.2:5000"]}
    assert json.loads(heard[0]) == wanted
    # Whoever reads it again finds what holds then.
    assert docker_agent.surroundings.apply({"registries": ""}) is True
    assert json.loads(place.read_text()) == {"host-gateway-ip": "10.0.2.2"}


def test_docker_finds_proxies_in_its_settings(docker_agent: Any, root: Path) -> None:
    apply = docker_agent.surroundings.apply
    docker_agent.surroundings.daemon_settings()
    assert apply({"proxies": {}, "registries": "", "certificates": ""}) is False
    proxies = {"http_proxy": "http://10.0.2.2:1", "HTTP_PROXY": "http://10.0.2.2:1"}
    assert apply({"proxies": {**proxies, "no_proxy": "localhost"}}) is True
    told = json.loads((root / "run/daemon.json").read_text())
    assert told["proxies"] == {"http-proxy": "http://10.0.2.2:1", "no-proxy": "localhost"}
    assert not (root / "ENGINE").exists()
    assert apply({"proxies": {}}) is True
    assert "proxies" not in json.loads((root / "run/daemon.json").read_text())


def test_docker_is_never_frozen_but_counts_as_asleep(
    docker_agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup.freeze").write_text("0")
    monkeypatch.setattr(docker_agent.engine, "GROUP", str(tmp_path))
    assert docker_agent.engine._freeze(frozen=True) is True
    assert (tmp_path / "cgroup.freeze").read_text() == "0"
    monkeypatch.setattr(docker_agent.engine, "GROUP", str(tmp_path / "none"))
    assert docker_agent.engine._freeze(frozen=True) is False


@pytest.mark.parametrize(
    ("owners", "commands"),
    [
        (set(), ["try-restart b2p-engine.service"]),
        ({0}, ["reload b2p-engine.service"]),
    ],
)
def test_no_container_ends_for_a_new_proxy(
    docker_agent: Any,
    monkeypatch: pytest.MonkeyPatch,
    owners: set[int],
    commands: list[str],
) -> None:
    run: list[str] = []
    monkeypatch.setattr(docker_agent.power, "run", lambda *words: run.append(" ".join(words[1:])))
    monkeypatch.setattr(docker_agent.power, "owners_of_containers", lambda: owners)
    problems = docker_agent.main.Agent(port=None).renew_engines()
    assert run == commands
    assert bool(problems) == bool(owners)


def test_its_data_lasts(docker_agent: Any) -> None:
    assert docker_agent.disk.KEPT == ("/var/lib/docker", "/home", "/root")


def test_a_container_is_called_as_docker_calls_it(
    docker_agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = "ab" * 32
    (tmp_path / found).write_text(json.dumps({"Name": "/web"}))
    monkeypatch.setattr(docker_agent.holders, "DOCKERS", str(tmp_path / "{}"))
    group = f"0::/system.slice/docker-{found}.scope"
    assert docker_agent.holders.container(group) == "web"
    assert docker_agent.holders.container(group.replace("ab", "cd")) == "cd" * 6


def dnat(address: str, port: int) -> bytes:
    """iptables' target DNAT, revision 2."""
    raw = bytes(map(int, address.split("."))) + bytes(12)
    info = struct.pack("=I", 3) + raw + raw + port.to_bytes(2, "big") * 2 + bytes(4)
    return expression("target", (1, b"DNAT\0"), (2, number(2)), (3, info))


def rule(*parts: bytes, table: str = "nat") -> bytes:
    names = attribute(1, table.encode() + b"\0") + attribute(2, b"DOCKER\0")
    return names + attribute(0x8004, b"".join(parts))


TCP = payload(1, 9, 1) + compared(b"\6")
NOT_FROM_ITSELF = expression("meta", (1, number(1)), (2, number(6))) + compared(b"docker0", 1)
LOOPBACK = payload(1, 16, 4) + compared(bytes((127, 0, 0, 1)))
PORT = payload(2, 2, 2) + compared((8080).to_bytes(2, "big"))


def test_dockers_rules_are_read_as_iptables_writes_them(docker_agent: Any) -> None:
    web = dnat("172.17.0.2", 80)
    wanted = ("tcp", "", 8080, "172.17.0.2", 80)
    assert read(docker_agent, rule(NOT_FROM_ITSELF, TCP, PORT, web)) == [wanted]
    narrow = rule(LOOPBACK, NOT_FROM_ITSELF, TCP, PORT, web)
    assert read(docker_agent, narrow) == [("tcp", "127.0.0.1", *wanted[2:])]


def test_what_is_no_rule_of_a_published_port_is_none(docker_agent: Any) -> None:
    web = dnat("172.17.0.2", 80)
    assert read(docker_agent, rule(TCP, PORT, web, table="filter")) == []
    assert read(docker_agent, rule(TCP, web)) == []
    assert read(docker_agent, rule(TCP, PORT, expression("target", (1, b"MASQUERADE\0")))) == []
    assert (
        read(docker_agent, rule(TCP, PORT, expression("target", (1, b"DNAT\0"), (3, b"x")))) == []
    )
