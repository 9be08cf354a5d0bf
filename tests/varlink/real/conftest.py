"""One machine and one busybox image for all tests of the tier; the clients of 2019."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import PATIENCE, Person, Said
from tests.pythons import python_with
from tests.varlink.real.service import BUSYBOX, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(__file__).parent / "scripts"
OLD = ("podman==1.6.0", "varlink==31.0.0", "setuptools<82")
SHIM = "import collections.abc; collections.MutableMapping = collections.abc.MutableMapping\n"
"""What podman 1.6 takes from where Python 3.9 had it."""


@pytest.fixture(scope="session")
def machine(person: Person) -> Person:
    """The person, whose machine `default` runs."""
    person.b2p("up")
    return person


@pytest.fixture(scope="session")
def address(machine: Person) -> str:
    """The one that `b2p env --varlink` names."""
    return variable(machine, "PODMAN_VARLINK_ADDRESS", "--varlink")


@pytest.fixture(scope="session")
def filled(address: str, busybox_tar: bytes) -> Service:
    """A machine that has the busybox image."""
    service = Service(address)
    wish = {"reference": BUSYBOX, "changes": ['CMD=["sh"]'], "delete": True}
    service("ImportImage", source=service.send(busybox_tar), **wish)
    return service


@pytest.fixture
def service(filled: Service) -> Iterator[Service]:
    """The machine's varlink; containers that a test makes with it are removed."""
    yield filled
    filled.forget()


@dataclass(frozen=True)
class Old:
    """A Python with PyPI's podman of 2019, of a virtual environment of its own."""

    python: Path
    address: str

    def script(self, name: str) -> Said:
        """Run a script of those days to its success."""
        return self.run(str(SCRIPTS / name), self.address)

    def run(self, *words: str, status: int = 0) -> Said:
        """Run Python to its end."""
        ended = subprocess.run(
            [str(self.python), *words], capture_output=True, text=True, timeout=PATIENCE
        )
        assert ended.returncode == status, ended
        return Said(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="session")
def old_python() -> Path:
    """Nobody but this test needs the yanked release, so pyproject.toml does not name it."""
    return python_with("podman-1.6.0", *OLD, shim=SHIM)


@pytest.fixture
def old(old_python: Path, service: Service) -> Old:
    """The client of 2019, at the machine."""
    return Old(old_python, service.address)


def variable(person: Person, name: str, *flags: str) -> str:
    """The value of a variable that `b2p env` sets."""
    (line,) = person.b2p("env", *flags, "--shell", "sh").out.splitlines()
    (word,) = shlex.split(line.removeprefix("export ").removesuffix(";"))
    key, _, value = word.partition("=")
    assert key == name
    return value
