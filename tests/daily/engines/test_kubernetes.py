"""The worked example of docs/kubernetes.md, as it stands there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import TREE, await_true
from tests.daily.ports.reach import fetched, is_closed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily

PAGE = TREE / "docs/kubernetes.md"


def blocks(language: str) -> list[str]:
    """The page's blocks of code in that language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def podman(machine: Person, docker_cli: Path, busybox_tar: bytes) -> Docker:
    """Docker's command line at the machine with podman, which has the busybox image."""
    client = Docker(docker_cli, machine)
    client.have_busybox(busybox_tar)
    return client


def test_a_pod_is_played_generated_and_taken_down_again(podman: Docker, machine: Person) -> None:
    (wanted,) = blocks("yaml")
    # The page's image comes from a registry; tests have no internet.
    wanted = wanted.replace("docker.io/library/busybox:latest", BUSYBOX)
    assert BUSYBOX in wanted
    machine.b2p("podman", "kube", "play", "-", stdin=wanted)
    await_true("the pod's word", lambda: fetched(8123) == "from a pod")
    generated = machine.b2p("podman", "kube", "generate", "web").out
    for line in ("kind: Pod", "claimName: words", "hostPort: 8123"):
        assert line in generated
    for_cluster = machine.b2p("podman", "kube", "generate", "web", "--service").out
    for line in ("kind: Pod", "claimName: words", "kind: Service", "type: NodePort"):
        assert line in for_cluster
    assert "hostPort" not in for_cluster
    machine.b2p("podman", "kube", "down", "-", stdin=wanted)
    await_true("its end", lambda: is_closed(8123))
    # The volume outlasts its pod; what was generated finds it again.
    assert "words" in machine.b2p("podman", "volume", "ls", "-q").out.split()
    machine.b2p("podman", "kube", "play", "-", stdin=generated)
    await_true("its word again", lambda: fetched(8123) == "from a pod")
    machine.b2p("podman", "kube", "down", "--force", "-", stdin=generated)
    assert "words" not in machine.b2p("podman", "volume", "ls", "-q").out.split()


def test_every_command_of_the_page_is_one_that_b2p_has(machine: Person) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    spoken = {" ".join(line.split()[1:4]) for line in lines if line.startswith("b2p podman kube")}
    assert spoken == {"podman kube play", "podman kube generate", "podman kube down"}
    for words in spoken:
        assert "Usage" in machine.b2p(*words.split(), "--help").out
