"""b2p or QEMU is killed while a golden state is made or begun from: the next `up` works."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.boot.person import await_true, cache_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.faults

NAME = "felled"
SHAPE = ("--memory", "1152MiB")
"""One of which nobody else has a state."""
MAKING = (0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 14.0)
BEGINNING = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5)


@pytest.fixture
def felled(person: Person) -> Iterator[Person]:
    """A person whose machine is not there before, nor after."""
    yield person
    person.b2p("rm", "-f", NAME, status=None)
    await_true("the end of what was made", lambda: not golden_qemus(person))
    assert not [path for path in scratch() if not psutil.pid_exists(maker(path))]


@pytest.mark.parametrize("victim", ["b2p", "qemu"])
@pytest.mark.parametrize("seconds", MAKING)
def test_a_state_that_is_being_made(felled: Person, seconds: float, victim: str) -> None:
    forget_states()
    fell(felled, seconds, victim)


@pytest.mark.parametrize("victim", ["b2p", "qemu"])
@pytest.mark.parametrize("seconds", BEGINNING)
def test_a_machine_that_begins(felled: Person, seconds: float, victim: str) -> None:
    felled.b2p("scratch", *SHAPE, "--", "true")
    fell(felled, seconds, victim)


def fell(person: Person, seconds: float, victim: str) -> None:
    """Kill one of the two after so long; `up` has to bring a whole machine then."""
    process = person.begin("up", NAME, *SHAPE)
    time.sleep(seconds)
    if victim == "b2p":
        process.kill()
    for qemu in [] if victim == "b2p" else [*golden_qemus(person), *person.qemus(NAME)]:
        with contextlib.suppress(psutil.Error):
            qemu.kill()
    _, said = process.communicate(timeout=600)
    assert "Traceback" not in said
    person.b2p("up", NAME, *SHAPE)
    assert (
        person.inside("touch /root/writable && podman ps -q && uname -n", name=NAME) == "felled\n"
    )
    assert len(person.qemus(NAME)) == 1


def golden_qemus(person: Person) -> list[psutil.Process]:
    """Those that make states."""
    return [one for one in person.processes() if "b2p-golden" in " ".join(words(one))]


def scratch() -> list[Path]:
    """Where states are being made just now; other people's b2p may share this cache."""
    return list((cache_home() / "b2p/scratch").glob("golden-*"))


def maker(path: Path) -> int:
    """The process that makes one there."""
    return int(path.name.rpartition("-")[2])


def words(one: psutil.Process) -> list[str]:
    """What started it; nothing when it has ended."""
    with contextlib.suppress(psutil.Error):
        return one.cmdline()
    return []


def forget_states() -> None:
    """No state of this shape is there."""
    for manifest in (cache_home() / "b2p/states").glob("*/manifest.json"):
        if '"1152M"' in manifest.read_text():
            manifest.unlink()
    for refused in (cache_home() / "b2p/states/.refused").glob("*"):
        refused.unlink()
