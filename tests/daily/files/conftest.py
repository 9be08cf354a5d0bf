"""A machine with directories of the host in it, and docker's command line beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import Docker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person
    from tests.debian_tools import Tools

MACHINE = "files"


@pytest.fixture(scope="package")
def person_with_files(person: Person) -> Iterator[Person]:
    """The person, whose machine has /tmp, and with it their home; one read-only, one cached."""
    for name in ("fixed", "quick", "mapped", "gone"):
        (person.home / name).mkdir(exist_ok=True)
    words = [f"fixed:{FIXED}:ro", f"quick:{QUICK}:cached", f"mapped:{MAPPED}:mmap", f"gone:{GONE}"]
    flags = [word for mount in words for word in ("--mount", mount)]
    person.b2p("up", MACHINE, *flags)
    yield person
    person.b2p("rm", "-f", MACHINE)


FIXED, QUICK, MAPPED, GONE = "/mnt/fixed", "/mnt/quick", "/mnt/mapped", "/mnt/gone"


@pytest.fixture
def owner(person_with_files: Person) -> Person:
    """The person, whose machine runs."""
    if person_with_files.qemu(MACHINE) is None:
        person_with_files.b2p("up", MACHINE)
    return person_with_files


@pytest.fixture
def docker(owner: Person, tools: Tools, busybox_tar: bytes) -> Docker:
    """Docker's command line at the machine, which has the busybox image."""
    client = Docker(tools.program("usr/bin/docker", "docker-cli"), owner, MACHINE)
    client.have_busybox(busybox_tar)
    return client


@pytest.fixture
def project(owner: Person) -> Path:
    """A directory in the person's home, with a name that is hard to get right."""
    path = owner.home / "Größe, 100 %"
    path.mkdir(exist_ok=True)
    return path
