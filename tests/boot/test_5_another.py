"""A second machine beside the first, and first starts that are broken off."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.boot.engine import environment
from tests.boot.person import await_true, cache_home, signalled, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.boot

OTHER = "other"
PLAIN = {"B2P_GOLDEN": "false"}
"""A start that boots: there is time to break it off."""


@pytest.fixture(scope="module")
def folders(person: Person, first_up: str) -> Iterator[set[str]]:
    """The directories of sockets that were there before."""
    yield person.socket_folders()
    person.b2p("rm", "-f", OTHER, status=None)


def console(person: Person) -> Path:
    return person.home / f".local/share/b2p/machines/{OTHER}/console.log"


def boots(person: Person) -> bool:
    """Whether the other machine's kernel has spoken."""
    return console(person).exists() and console(person).stat().st_size > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_first_start_that_is_broken_off_leaves_nothing(
    machine: Person, folders: set[str], number: signal.Signals
) -> None:
    moments = {
        signal.SIGINT: lambda: machine.qemu(OTHER),
        signal.SIGTERM: lambda: boots(machine),
    }
    with signalled(machine.begin("up", OTHER, **PLAIN), number, when=moments[number]) as said:
        assert said.status == 130
        assert said.err.splitlines()[-1] == "b2p: interrupted; nothing left behind"
    assert machine.qemu(OTHER) is None
    assert machine.traces(OTHER) == []
    assert machine.socket_folders() == folders
    assert machine.state() == "running"


def test_an_image_whose_building_is_broken_off_leaves_nothing(machine: Person) -> None:
    cache = machine.home / "cache"
    cache.mkdir()
    for name in ("debs", "indexes", "qemu"):
        (cache / name).symlink_to(cache_home() / "b2p" / name)
    before = machine.processes()

    def builder() -> bool:
        """Whether the image's own machine runs."""
        new = [one for one in machine.processes() if one not in before]
        return any(".building-" in word for one in new for word in words_of(one))

    building = machine.begin("up", OTHER, B2P_CACHE_DIR=str(cache))
    with signalled(building, signal.SIGINT, when=builder) as said:
        assert said.status == 130
    assert machine.processes() == before
    assert [path.name for path in (cache / "images").iterdir() if path.is_dir()] == []
    assert machine.traces(OTHER) == []


def test_a_start_whose_b2p_was_killed_can_be_made_again(machine: Person, folders: set[str]) -> None:
    with signalled(
        machine.begin("up", OTHER, **PLAIN), signal.SIGKILL, when=lambda: boots(machine)
    ) as said:
        assert said.status == -signal.SIGKILL
    machine.b2p("up", OTHER)
    assert machine.state(OTHER) == "running"
    assert len(machine.qemus(OTHER)) == 1
    assert machine.socket_folders() > folders


def test_two_machines_run_side_by_side(machine: Person, folders: set[str]) -> None:
    machine.b2p("up", OTHER)
    first, second = machine.facts(), machine.facts(OTHER)
    assert first["state"] == second["state"] == "running"
    for key in ("uuid", "pid", "ssh_port", "podman_socket"):
        assert first[key] != second[key], key
    assert environment(machine, OTHER)["DOCKER_HOST"] == f"unix://{second['podman_socket']}"
    assert machine.inside("uname -n", name=OTHER).strip() == OTHER
    keys = [machine.inside("cat /etc/machine-id", name=name) for name in ("default", OTHER)]
    assert len(set(keys)) == 2
    assert {one.pid for one in machine.processes()} == {first["pid"], second["pid"]}


def test_rm_leaves_nothing_of_a_machine(machine: Person, folders: set[str]) -> None:
    machine.b2p("up", OTHER)
    pid = machine.facts(OTHER)["pid"]
    said = machine.b2p("rm", OTHER, status=2)
    assert said.err.splitlines()[0] == f"b2p: machine {OTHER!r} is running"
    assert psutil.pid_exists(pid)
    machine.b2p("rm", "-f", OTHER)
    await_true("its end", lambda: machine.qemu(OTHER) is None)
    assert machine.traces(OTHER) == []
    assert machine.socket_folders() == folders
    assert machine.state() == "running"
    assert machine.b2p("rm", OTHER, status=2).err.splitlines()[0].startswith("b2p: there is no")
