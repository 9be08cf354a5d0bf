"""`import b2p`, as a program of somebody else's uses it: real machines, real clients."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import PATIENCE, TREE

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.daily

MACHINE = """
import json, os, subprocess
import b2p, docker, podman

with b2p.machine("web", memory="1GiB", cpus=1) as m:
    found = {"state": m.state, "name": m.name, "whoami": m.ssh("whoami").stdout}
    found["root"] = m.ssh("cat", root=True, input="typed").stdout
    found["status"] = m.ssh("exit 3", check=False).status
    found["memory"] = int(m.ssh("head -1 /proc/meminfo").stdout.split()[1])
    found["docker"] = docker.DockerClient(base_url=m.docker_url).info()["Name"]
    found["podman"] = podman.PodmanClient(base_url=m.podman_url).ping()
    code = "import docker; docker.from_env().ping()"
    subprocess.run([os.sys.executable, "-c", code], env=m.env(os.environ), check=True)
    found["machines"] = [one.name for one in b2p.machines()]
found["after"] = m.state
m.up().suspend()
with m:
    found["resumed"] = m.state
found["again"] = m.state
m.remove(force=True)
print(json.dumps(found))
"""

SCRATCH = """
import json
import b2p, docker

with b2p.scratch() as one, b2p.scratch() as two:
    clients = [docker.DockerClient(base_url=engine.docker_url) for engine in (one, two)]
    print(json.dumps([client.version()["Components"][0]["Name"] for client in clients]))
    for client in clients:
        client.close()
"""


def ran(person: Person, code: str) -> str:
    """What a program says that has b2p and docker's SDK."""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**person.environment, "PYTHONPATH": str(TREE)},
        cwd=person.home,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended
    return ended.stdout


def test_a_machine_for_a_block(person: Person) -> None:
    found = json.loads(ran(person, MACHINE))
    assert "web" in found.pop("machines")
    assert 900_000 < found.pop("memory") < 1_048_576
    assert found == {
        "state": "running",
        "name": "web",
        "whoami": "core\n",
        "root": "typed",
        "status": 3,
        "docker": "web",
        "podman": True,
        "after": "stopped",
        "resumed": "running",
        "again": "suspended",
    }
    assert person.qemus("web") == []


def test_engines_of_their_own_side_by_side(person: Person) -> None:
    before = person.b2p("ls", "--json").out
    assert json.loads(ran(person, SCRATCH)) == ["Podman Engine", "Podman Engine"]
    assert person.b2p("ls", "--json").out == before
