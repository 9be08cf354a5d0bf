"""A machine that nobody needs suspends itself; what needs it brings it back."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import PATIENCE, await_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boot.person import Person

pytestmark = pytest.mark.boot

SECONDS = 30
"""The least that can be wished."""
LONG_ENOUGH = 75.0
"""Twenty until the engine sleeps, the thirty, and some: what is awake then stays awake."""


@pytest.fixture
def sleeper(machine: Person) -> Iterator[Person]:
    """A person whose machine sleeps when nobody needs it."""
    machine.b2p("set", "--idle-suspend", f"{SECONDS}s")
    yield machine
    machine.b2p("up", "--idle-suspend", "off")


def state(person: Person) -> str:
    """As `ls` tells it, which asks nothing of the machine: `status` would keep it awake."""
    # Not more often: what this computer does it does instead of the guest.
    time.sleep(1)
    (found,) = json.loads(person.b2p("ls", "--json").out)["machines"]
    return str(found["state"])


def test_it_sleeps_and_ssh_wakes_it(sleeper: Person) -> None:
    uptime = float(sleeper.inside("cat /proc/uptime").split()[0])
    await_true("sleep", lambda: state(sleeper) == "suspended", seconds=PATIENCE)
    await_true("its QEMU's end", lambda: sleeper.processes() == [])
    assert "is suspended, in" in sleeper.b2p("logs").out
    said = sleeper.b2p("ssh", "--root", "--", "cat /proc/uptime")
    assert "machine 'default' goes on after" in said.err
    assert float(said.out.split()[0]) > uptime
    assert state(sleeper) == "running"


def test_up_wakes_it_too(sleeper: Person) -> None:
    await_true("sleep", lambda: state(sleeper) == "suspended", seconds=PATIENCE)
    await_true("its QEMU's end", lambda: sleeper.processes() == [])
    assert "goes on after" in sleeper.b2p("up").err


def test_a_container_keeps_it_awake_and_its_end_lets_it_sleep(
    sleeper: Person, docker: Docker
) -> None:
    docker("run", "-d", "--name", "c", BUSYBOX, "sleep", "1000")
    time.sleep(LONG_ENOUGH)
    assert state(sleeper) == "running"
    docker.remove("c")
    await_true("sleep", lambda: state(sleeper) == "suspended", seconds=PATIENCE)
