"""Suspended and resumed: the same container goes on, on a machine that knows what time it is."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import await_true

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.boot

COUNTS = "n=0; while sleep 0.3; do n=$((n + 1)); echo $n >> /data/count; done"
PAUSE = 4.0
"""Seconds for which a machine is suspended: by so much its clock would be wrong."""


def test_a_container_goes_on_where_it_was(docker: Docker, machine: Person) -> None:
    docker("run", "-d", "--name", "c", "-v", "counted:/data", BUSYBOX, "sh", "-c", COUNTS)
    machine.b2p("ssh", "--", "echo mine > ~/note")
    await_true("counting", lambda: counted(docker))
    before, uptime, facts = docker.state("c"), machine_uptime(machine), machine.facts()
    try:
        with events(machine) as stream:
            machine.b2p("suspend")
            # Whoever was connected is not left waiting.
            while stream.recv(4096):
                pass
        assert machine.processes() == []
        assert machine.state() == "suspended"
        assert "is suspended" in machine.b2p("ssh", "--", "true", status=2).err
        time.sleep(PAUSE)

        said = machine.b2p("up").err
        assert "goes on after" in said
        now, after = machine.facts(), docker.state("c")
        assert (after["Pid"], after["StartedAt"]) == (before["Pid"], before["StartedAt"])
        assert now["ssh_port"] == facts["ssh_port"]
        assert uptime < machine_uptime(machine) < uptime + 120
        off = float(machine.inside("date +%s.%N")) - time.time()
        # ssh itself takes a part of it.
        assert abs(off) < 1.5
        assert machine.b2p("ssh", "--", "cat ~/note").out == "mine\n"
        assert "reseeded" in machine.inside("dmesg")
        numbers = counted(docker)
        await_true("counting on", lambda: len(counted(docker)) > len(numbers))
        assert numbers == list(range(1, len(numbers) + 1))
    finally:
        docker.remove("c")
        docker("volume", "rm", "-f", "counted")


def test_another_size_makes_it_boot_with_its_data(machine: Person) -> None:
    machine.b2p("ssh", "--", "echo kept > ~/note")
    machine.b2p("suspend")
    said = machine.b2p("up", "--memory", "1792MiB").err
    assert "the saved state of machine 'default' does not fit: memory was " in said
    assert machine.facts()["memory"] == "1792MiB"
    assert machine.b2p("ssh", "--", "cat ~/note").out == "kept\n"
    assert not [path for path in machine.traces("default") if path.name.startswith("suspended")]


def counted(docker: Docker) -> list[int]:
    """What the container has written so far."""
    said = docker.run("exec", "c", "cat", "/data/count", status=None)
    return [int(line) for line in said.out.split()]


def machine_uptime(machine: Person) -> float:
    """Seconds since the guest's kernel began."""
    return float(machine.inside("cat /proc/uptime").split()[0])


def events(machine: Person) -> socket.socket:
    """A client that waits for what the engine tells."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect(machine.facts()["podman_socket"])
    client.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
    assert b"200 OK" in client.recv(4096)
    return client
