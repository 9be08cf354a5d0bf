"""One machine and one busybox image for all boot tests: booting is what costs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.boot.engine import Docker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boot.person import Person
    from tests.debian_tools import Tools


@pytest.fixture(scope="session")
def docker_cli(tools: Tools) -> Path:
    """Docker's own command line."""
    if sys.platform == "linux":
        return tools.program("usr/bin/docker", "docker-cli")
    found = shutil.which("docker")
    if found is None:
        pytest.skip("docker's command line is not installed, and Debian's runs on Linux alone")
    return Path(found)


@pytest.fixture
def docker(machine: Person, docker_cli: Path, busybox_tar: bytes) -> Docker:
    """Docker's command line at the machine, which has the busybox image."""
    client = Docker(docker_cli, machine)
    client.have_busybox(busybox_tar)
    return client


@pytest.fixture
def podman_sdk(docker: Docker) -> Iterator[Any]:
    """PyPI's podman."""
    import podman

    with podman.PodmanClient(base_url=docker.environment["CONTAINER_HOST"]) as client:
        yield client


@pytest.fixture
def docker_sdk(docker: Docker) -> Iterator[Any]:
    """PyPI's docker."""
    import docker as sdk

    client = sdk.DockerClient(base_url=docker.environment["DOCKER_HOST"], timeout=120)
    yield client
    client.close()
