"""Machines `a` and `b` of one network and `c` of another, with a busybox image each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import Docker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.boot.person import Person
    from tests.debian_tools import Tools

NETWORKS = {"a": "lab", "b": "lab", "c": "other"}


@pytest.fixture(scope="session")
def lab(person: Person) -> Person:
    """The person, whose machines are up."""
    for name, network in NETWORKS.items():
        person.b2p("up", name, "--network", network, "--memory", "1GiB", "--no-mount")
    return person


@pytest.fixture(scope="session")
def docker_of(lab: Person, tools: Tools, busybox_tar: bytes) -> Callable[[str], Docker]:
    """Docker's command line at one of them."""

    def found(name: str) -> Docker:
        client = Docker(tools.program("usr/bin/docker", "docker-cli"), lab, name)
        client.have_busybox(busybox_tar)
        return client

    return found
