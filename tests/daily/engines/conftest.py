"""A machine with docker, docker's own command line with its plug-ins, and busybox in both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import Docker
from tests.daily.ports.conftest import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person
    from tests.debian_tools import Tools

__all__ = ["free_port"]

NAME = "moby"
"""The machine with docker."""
PLUGINS = ("docker-buildx", "docker-compose")


@pytest.fixture(scope="session")
def docker_cli(tools: Tools) -> Path:
    """Docker's own command line."""
    return tools.program("usr/bin/docker", "docker-cli")


@pytest.fixture(scope="session")
def moby_up(person: Person) -> str:
    """What `b2p up --engine docker` said the first time."""
    return person.b2p("up", NAME, "--engine", "docker").err


@pytest.fixture
def moby(
    person: Person, moby_up: str, docker_cli: Path, tools: Tools, busybox_tar: bytes
) -> Docker:
    """Docker's command line at the machine with docker, which runs and has the busybox image."""
    if person.qemu(NAME) is None:
        person.b2p("up", NAME)
    programs = [tools.program(f"usr/libexec/docker/cli-plugins/{one}", one) for one in PLUGINS]
    settings = person.home / ".docker/config.json"
    settings.parent.mkdir(exist_ok=True)
    found = json.loads(settings.read_text()) if settings.exists() else {}
    found["cliPluginsExtraDirs"] = [str(one.parent) for one in programs]
    settings.write_text(json.dumps(found))
    client = Docker(docker_cli, person, NAME)
    client.have_busybox(busybox_tar)
    return client
