"""A new repository whose tests use b2p's fixtures: docker's SDK, podman's and testcontainers'."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX
from tests.boot.person import PATIENCE, TREE
from tests.pythons import python_for_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily

CONFTEST = """
import docker, pytest

@pytest.fixture
def client(podman_scratch):
    return docker.DockerClient(base_url=podman_scratch.docker_url)
"""
SDKS = f"""
import pathlib, docker, podman

ROOT = pathlib.Path(__file__).with_name("rootfs.tar")

def test_docker(client):
    client.api.import_image(str(ROOT), "{BUSYBOX}")
    assert client.containers.run("{BUSYBOX}", ["echo", "hello"], remove=True) == b"hello\\n"

def test_nothing_is_left_of_the_other_test(client):
    assert client.images.list() == []
    assert docker.from_env().ping()
    assert podman.from_env().ping()
"""
TESTCONTAINERS = f"""
import docker, pathlib, pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

ROOT = pathlib.Path(__file__).with_name("rootfs.tar")

def test_a_container_by_testcontainers(podman_scratch):
    docker.from_env().api.import_image(str(ROOT), "{BUSYBOX}")
    with DockerContainer("{BUSYBOX}").with_command(["sh", "-c", "echo there; sleep 99"]) as one:
        wait_for_logs(one, "there", timeout=60)
        assert one.get_container_host_ip() == "127.0.0.1"
"""
MACHINE = """
import docker, pytest

@pytest.mark.parametrize("number", range(4))
def test_all_meet_the_same_machine(podman_machine, number):
    assert podman_machine.state == "running"
    assert docker.from_env().info()["Name"] == "suite"
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python as such a repository would have."""
    return python_for_plugin()


@pytest.fixture
def repository(tmp_path: Path, busybox_tar: bytes) -> Path:
    """With an image to import, since there is no registry."""
    (tmp_path / "rootfs.tar").write_bytes(busybox_tar)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    return tmp_path


def passed(person: Person, python: Path, repository: Path, code: str, *options: str) -> str:
    """What pytest says of these tests, which all pass."""
    (repository / "test_it.py").write_text(code)
    ended = subprocess.run(
        [python, "-m", "pytest", "-p", "b2p.pytest_plugin", "-W", "error", "-rs", *options],
        env={**person.environment, "PYTHONPATH": str(TREE)},
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert person.qemus() == []
    return ended.stdout


def test_the_sdks_of_docker_and_podman(person: Person, python: Path, repository: Path) -> None:
    assert "2 passed" in passed(person, python, repository, SDKS)


def test_testcontainers(person: Person, python: Path, repository: Path) -> None:
    # Its own deprecations are none of ours.
    assert "1 passed" in passed(person, python, repository, TESTCONTAINERS, "-W", "default")


def test_workers_of_xdist_share_one_machine(person: Person, python: Path, repository: Path) -> None:
    (repository / "pytest.ini").write_text("[pytest]\nb2p_machine = suite\n")
    assert "4 passed" in passed(person, python, repository, MACHINE, "-n", "2")
    assert person.state("suite") == "stopped"
    # It runs on where it ran before.
    person.b2p("up", "suite")
    subprocess.run(
        [python, "-m", "pytest", "-p", "b2p.pytest_plugin", "-q"],
        env={**person.environment, "PYTHONPATH": str(TREE)},
        cwd=repository,
        check=True,
        timeout=PATIENCE,
    )
    assert person.state("suite") == "running"
    person.b2p("rm", "-f", "suite")


def test_a_computer_without_qemu_is_one_reason_to_skip(
    person: Person, python: Path, repository: Path
) -> None:
    said = _with(person, python, repository, B2P_QEMU=str(repository / "none"))
    assert "2 skipped" in said
    assert "b2p cannot have a machine here: " in said


def _with(person: Person, python: Path, repository: Path, **variables: str) -> str:
    (repository / "test_it.py").write_text(SDKS)
    ended = subprocess.run(
        [python, "-m", "pytest", "-p", "b2p.pytest_plugin", "-rs"],
        env={**person.environment, "PYTHONPATH": str(TREE), **variables},
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return ended.stdout
