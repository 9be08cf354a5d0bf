"""Network, ssh and clients: lines 17 to 26."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.boot.person import Person
    from tests.faults.conftest import Tally

pytestmark = pytest.mark.faults


def test_17_nothing_listens_beyond_loopback(machine: Person) -> None:
    qemu = machine.qemu()
    assert qemu
    found = qemu.net_connections("inet")
    listening = [one for one in found if one.status == psutil.CONN_LISTEN]
    assert listening
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}


def test_18_two_that_start_at_once_share_no_port(
    machine: Person, free: Callable[[str], str]
) -> None:
    names = [free("twin-a"), free("twin-b")]
    for one in [machine.begin("up", name) for name in names]:
        _, said = one.communicate(timeout=550)
        assert one.returncode == 0, said
    assert len({machine.facts(name)["ssh_port"] for name in ["default", *names]}) == 3


def test_18_a_port_that_is_taken_names_its_holder(machine: Person, tally: Tally) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        said = machine.b2p("port", "add", f"{port}:80", status=2).err
    tally["bad inputs"] += 1
    assert str(os.getpid()) in said


def test_19_localhost_reaches_a_port_whichever_address_comes_first(machine: Person) -> None:
    with socket.create_server(("127.0.0.1", 0)) as asker:
        port = asker.getsockname()[1]
    machine.b2p("port", "add", f"{port}:22")
    try:
        # Both addresses are tried in their order, as every client does.
        with socket.create_connection(("localhost", port), timeout=30) as client:
            assert client.recv(4) == b"SSH-"
    finally:
        machine.b2p("port", "rm", f"{port}:22", status=None)


def test_20_names_are_asked_of_qemu_which_asks_this_computers_server(machine: Person) -> None:
    # QEMU reads this computer's resolv.conf anew: nothing of it is copied into the guest.
    assert "nameserver 10.0.2.3\n" in machine.inside("cat /etc/resolv.conf") + "\n"


def test_21_a_proxy_on_localhost_is_led_to_the_guest(
    machine: Person, new: Callable[..., str], tally: Tally
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]
        given = {"HTTP_PROXY": f"http://localhost:{port}", "NO_PROXY": ".corp"}
        new("proxied", environment=given)
    assert (
        machine.b2p("ssh", "proxied", "--", "echo $http_proxy").out == f"http://10.0.2.2:{port}\n"
    )
    assert ".corp" in machine.b2p("ssh", "proxied", "--", "echo $no_proxy").out
    wrong = machine.b2p(
        "up", "wrong", status=2, environment={"http_proxy": "http://[", "HTTP_PROXY": ""}
    )
    tally["bad inputs"] += 1
    assert "proxy" in wrong.err


def test_22_a_registry_mirror_is_given_once(machine: Person, new: Callable[..., str]) -> None:
    mirror = {"B2P_REGISTRY_MIRRORS": "docker.io=10.0.2.2:5999"}
    new("mirrored", environment=mirror)
    found = machine.inside("podman info --format '{{json .Registries}}'", name="mirrored")
    assert "10.0.2.2:5999" in found


def test_23_a_strange_ssh_config_and_agent_change_nothing(machine: Person) -> None:
    folder = machine.home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    config = folder / "config"
    kept = config.read_bytes() if config.exists() else None
    config.write_text("Host *\n  ProxyCommand false\n  User nobody\n  Port 1\n")
    try:
        agent = {"SSH_AUTH_SOCK": str(machine.home / "no-agent")}
        assert machine.b2p("ssh", "--", "id -un", environment=agent).out == "core\n"
    finally:
        config.unlink()
        if kept is not None:
            config.write_bytes(kept)


def test_24_the_host_key_is_known_before_and_another_is_refused(
    machine: Person, new: Callable[..., str], tally: Tally
) -> None:
    new("keyed")
    known = machine.home / ".local/share/b2p/machines/keyed/known_hosts"
    right = known.read_text()
    assert right.startswith("b2p-keyed ssh-ed25519 ")
    other = (machine.home / ".local/share/b2p/machines/default/known_hosts").read_text()
    known.write_text(other.replace("b2p-default", "b2p-keyed"))
    said = machine.b2p("ssh", "keyed", "--", "true", status=125).err
    tally["bad inputs"] += 1
    assert "does not let us in" in said
    known.write_text(right)
    machine.b2p("ssh", "keyed", "--", "true")


def with_docker(person: Person, tmp_path: Path) -> dict[str, str]:
    """An environment in which docker is installed, and has settings of its person's own."""
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }


def test_25_dockers_current_context_stays_the_users(
    machine: Person, free: Callable[[str], str], tmp_path: Path
) -> None:
    environment = with_docker(machine, tmp_path)
    config = tmp_path / "docker/config.json"
    config.parent.mkdir()
    config.write_text('{"currentContext": "mine", "auths": {}}')
    before = config.read_bytes()
    name = free("modest")
    machine.b2p("up", name, environment=environment)
    assert config.read_bytes() == before
    assert list((tmp_path / "docker").rglob("meta.json"))
    machine.b2p("rm", "-f", name, environment=environment)
    assert config.read_bytes() == before
    assert not list((tmp_path / "docker").rglob("meta.json"))


def test_26_clients_are_told_together_or_not_at_all(
    machine: Person, free: Callable[[str], str], tmp_path: Path, tally: Tally
) -> None:
    environment = with_docker(machine, tmp_path)
    podman = tmp_path / "bin/podman"
    podman.write_text("#!/bin/sh\n")
    podman.chmod(0o755)
    connections = machine.home / ".config/containers/podman-connections.json"
    connections.parent.mkdir(parents=True, exist_ok=True)
    connections.write_text("{broken")
    try:
        said = machine.b2p("up", free("untold"), environment=environment).err
        tally["bad inputs"] += 1
        assert "podman-connections.json" in said
        assert connections.read_text() == "{broken"
        assert not list((tmp_path / "docker").rglob("meta.json"))
    finally:
        connections.unlink()
