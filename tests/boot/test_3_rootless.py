"""The engine of core, who is not root, beside root's: a socket of its own, limits that hold."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.boot

LIMITS = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max"
MAP = "cat /proc/self/uid_map"


@pytest.fixture
def core(machine: Person, docker_cli: Path, busybox_tar: bytes) -> Docker:
    """Docker's command line at core's engine, which has the busybox image."""
    client = Docker(docker_cli, machine)
    client.environment = environment(machine, "default", "--rootless")
    client.have_busybox(busybox_tar)
    return client


def test_core_has_an_engine_of_its_own(core: Docker, docker: Docker) -> None:
    sockets = {client.environment["DOCKER_HOST"] for client in (core, docker)}
    assert len(sockets) == 2
    assert core("info", "--format", "{{.SecurityOptions}}").count("rootless") == 1
    assert docker("info", "--format", "{{.SecurityOptions}}").count("rootless") == 0
    core("run", "-d", "--name", "cores", BUSYBOX, "sleep", "1000")
    try:
        assert core("ps", "--format", "{{.Names}}") == "cores"
        assert "cores" not in docker("ps", "--format", "{{.Names}}").split()
        said = core.person.b2p("podman", "--rootless", "ps", "--format", "{{.Names}}")
        assert said.out.split() == ["cores"]
    finally:
        core.remove("cores")


def test_core_has_the_number_of_who_runs_b2p_and_their_files(machine: Person) -> None:
    mine = os.getuid()
    assert machine.inside("id -u core; stat -c %u /home/core").split() == [str(mine or 1000)] * 2
    if mine:
        path = machine.home / "cores"
        machine.b2p("ssh", "--", f"umask 077; echo here > {path}; cat {path}")
        assert path.read_text() == "here\n"
        path.unlink()


def test_limits_hold_for_core_too(core: Docker) -> None:
    limits = ("--memory", "64m", "--cpus", "0.5", "--pids-limit", "33")
    said = core("run", "--rm", *limits, BUSYBOX, "sh", "-c", f"{LIMITS}; {MAP}").split("\n")
    assert said[:3] == ["67108864", "50000 100000", "33"]
    number = str(os.getuid() or 1000)
    assert [line.split() for line in said[3:]] == [["0", number, "1"], ["1", "100000", "1000000"]]


def test_cores_containers_reach_no_engine(core: Docker) -> None:
    hosts = ("10.0.2.15", "169.254.1.2", "host.containers.internal")
    tries = "; ".join(
        f"nc -w 3 {host} {port} </dev/null >/dev/null 2>&1 && echo reached {host}:{port}"
        for host in hosts
        for port in ("2375", "2376", "2377")
    )
    for network in ("bridge", "pasta"):
        said = core.person.b2p(
            *("podman", "--rootless", "run", "--rm", "--network", network, BUSYBOX),
            *("sh", "-c", f"{tries}; echo none"),
        )
        assert said.out.split() == ["none"]
