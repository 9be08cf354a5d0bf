"""Containers of another architecture, in a machine that was made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.host import computer
from tests.boot.engine import Docker
from tests.conftest import busybox_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person
    from tests.debian_tools import Tools

pytestmark = pytest.mark.daily

FOREIGN = {"x86_64": ("arm64", "aarch64"), "aarch64": ("amd64", "x86_64")}
NAME = "foreign"
IMAGE = "localhost/foreign:latest"


@pytest.fixture
def machine(person: Person) -> Iterator[Person]:
    """The person, one of whose machines runs what was made for other processors."""
    person.b2p("up", NAME, environment={"B2P_BINFMT": "true"})
    yield person
    person.b2p("rm", "-f", NAME)


def test_a_container_of_another_architecture_runs_for_root_and_for_core(
    machine: Person, tools: Tools, docker_cli: Path
) -> None:
    architecture, spoken = FOREIGN[computer.arch()]
    docker = Docker(docker_cli, machine, NAME)
    root = busybox_root(tools, architecture)
    docker("import", "--platform", f"linux/{architecture}", "-", IMAGE, stdin=root)
    run = ("run", "--rm", "--platform", f"linux/{architecture}")
    assert docker(*run, IMAGE, "uname", "-m") == spoken
    containerfile = f"FROM {IMAGE}\nRUN uname -m > /said\nCMD cat /said\n".encode()
    built = ("build", "--platform", f"linux/{architecture}", "-t", "localhost/built", "-")
    docker(*built, stdin=containerfile)
    assert docker(*run, "localhost/built") == spoken
    machine.inside(f"podman save {IMAGE} | runuser -u core -- podman load", name=NAME)
    said = machine.b2p("podman", "-m", NAME, "--rootless", *run, IMAGE, "uname", "-m").out
    assert said == f"{spoken}\n"
