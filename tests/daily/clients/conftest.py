"""A machine, and the clients that a person has beside it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.boot.engine import Docker
from tests.boot.person import PATIENCE, Said
from tests.pythons import TESTCONTAINERS, python_with

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person
    from tests.debian_tools import Tools

DEV_CONTAINERS = "@devcontainers/cli@0.89.0"


@pytest.fixture(scope="session")
def docker_cli(tools: Tools) -> Path:
    """Docker's own command line."""
    return tools.program("usr/bin/docker", "docker-cli")


@pytest.fixture(scope="session")
def podman_remote(tools: Tools) -> Path:
    """Podman's own command line, for engines elsewhere."""
    return tools.program("usr/bin/podman-remote", "podman-remote")


@pytest.fixture(scope="session")
def compose(tools: Tools) -> Path:
    """Docker compose, as a program of its own."""
    return tools.program("usr/libexec/docker/cli-plugins/docker-compose", "docker-compose")


@pytest.fixture(scope="session")
def testcontainers_python() -> Path:
    """A Python that has testcontainers."""
    return python_with("testcontainers-4.15", TESTCONTAINERS)


@pytest.fixture(scope="session")
def devcontainer(person: Person) -> list[str]:
    """The command line that VS Code's Dev Containers are made by."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("there is no Node.js here, which VS Code brings along")
    place = person.home / "node"
    place.mkdir()
    words = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(place), DEV_CONTAINERS]
    subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE)
    return [node, str(place / "node_modules/@devcontainers/cli/devcontainer.js")]


@pytest.fixture
def docker(machine: Person, docker_cli: Path, busybox_tar: bytes) -> Docker:
    """Docker's command line at the machine, which has the busybox image."""
    client = Docker(docker_cli, machine)
    client.have_busybox(busybox_tar)
    return client


def after_env(person: Person, *flags: str) -> dict[str, str]:
    """The person's environment after `eval "$(b2p env ...)"` in a shell of POSIX."""
    lines = person.b2p("env", *flags, "--shell", "sh").out.splitlines()
    words = [shlex.split(line.removeprefix("export ").removesuffix(";"))[0] for line in lines]
    return {**person.environment, **dict(word.split("=", 1) for word in words)}


def run(*words: object, environment: dict[str, str], cwd: Path | None = None) -> Said:
    """Run a client to its success."""
    ended = subprocess.run(
        [str(word) for word in words],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended
    return Said(ended.returncode, ended.stdout, ended.stderr)


def last_json(said: Said) -> Any:
    """What the last line of its output holds."""
    return json.loads(said.out.splitlines()[-1])
