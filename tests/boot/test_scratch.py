"""Throwaway machines: an engine for one command, and nothing of it afterwards."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import Person, await_true, cache_home, signalled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil

pytestmark = pytest.mark.speed

RUN = """
set -e
"$0" import - localhost/busybox <"$1" >/dev/null
"$0" run --rm localhost/busybox echo from a container
exit 7
"""
SDK = """
import docker
client = docker.from_env()
assert client.ping()
print(client.containers.list(), client.info()["Name"])
"""


@pytest.fixture
def nobody(person: Person) -> Iterator[Person]:
    """A person without a machine, who has none afterwards either."""
    before = machines(person)
    yield person
    assert machines(person) == before
    assert left() == []
    assert [one for one in person.qemus() if "scratch" in one.name()] == []


def machines(person: Person) -> list[str]:
    """The names that `b2p ls` shows."""
    return [one["name"] for one in json.loads(person.b2p("ls", "--json").out)["machines"]]


def left() -> list[str]:
    """What lies where throwaway machines do; other homes of this computer use it too."""
    return [path.name for path in (cache_home() / "b2p/scratch").glob("scratch-*")]


def test_docker_finds_an_engine_of_its_own(nobody: Person, docker_cli: Path) -> None:
    said = nobody.b2p("scratch", "--", str(docker_cli), "version")
    assert "Server:" in said.out
    assert "Podman Engine" in said.out


def test_containers_run_in_it_and_the_status_is_handed_on(
    nobody: Person, docker_cli: Path, busybox_tar: bytes, tmp_path: Path
) -> None:
    rootfs = tmp_path / "rootfs.tar"
    rootfs.write_bytes(busybox_tar)
    words = ("sh", "-c", RUN, str(docker_cli), str(rootfs))
    assert nobody.b2p("scratch", "--", *words, status=7).out == "from a container\n"


def test_a_program_with_dockers_sdk_needs_to_know_nothing(nobody: Person) -> None:
    said = nobody.b2p("scratch", "--", sys.executable, "-c", SDK)
    assert said.out.startswith("[] ")


def test_a_killed_b2p_takes_all_with_it(nobody: Person, tmp_path: Path) -> None:
    mark = tmp_path / "runs"
    begun = nobody.begin("scratch", "--", "sh", "-c", f"touch {mark}; exec sleep 600")
    with signalled(begun, signal.SIGKILL, when=mark.exists) as said:
        assert said.status == -signal.SIGKILL
    await_true("the end of all", lambda: not scratches(nobody), seconds=30)
    assert left()
    nobody.b2p("ls")
    assert left() == []


def test_one_that_is_told_to_end_ends_all(nobody: Person, tmp_path: Path) -> None:
    mark = tmp_path / "runs"
    begun = nobody.begin("scratch", "--", "sh", "-c", f"touch {mark}; exec sleep 600")
    with signalled(begun, signal.SIGTERM, when=mark.exists) as said:
        assert said.status == 130
    assert not scratches(nobody)


def test_one_after_the_other_leaves_no_trace(nobody: Person) -> None:
    nobody.b2p("scratch", "--", "true")
    before = nobody.socket_folders(), states(), len(nobody.processes())
    for _ in range(5):
        nobody.b2p("scratch", "--", "true")
    assert (nobody.socket_folders(), states(), len(nobody.processes())) == before


def scratches(person: Person) -> list[psutil.Process]:
    """Processes of throwaway machines and their commands."""
    return [one for one in person.processes() if "python" not in one.name()]


def states() -> list[str]:
    """The golden states."""
    return sorted(path.name for path in (cache_home() / "b2p/states").glob("[!.]*"))
