"""A bundle is enough: a computer that has no network and nothing of b2p gets an engine from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import PATIENCE
from tests.fakes import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily

SCRIPT = """
set -e
ip link set lo up
test -z "$(ip route)"
tar -xf "$1" wheels
"$2" -m venv own
own/bin/pip install --quiet --no-index --find-links wheels b2p
own/bin/b2p up --bundle "$1" --offline
own/bin/b2p podman info --format '{{.Host.OS}}'
own/bin/b2p rm -f default
"""


@pytest.fixture
def alone() -> list[str]:
    """The words that start a command in a network namespace of its own, without routes."""
    words = ["unshare", "--net", *([] if os.getuid() == 0 else ["--map-root-user"])]
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("unshare or ip is not installed")
    if subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("this user may make no network namespace")
    return words


@pytest.fixture
def empty() -> Iterator[Path]:
    """A home with nothing in it; sockets lie below it."""
    with short_directory() as home:
        yield home


def test_up_from_a_bundle_makes_no_connection(
    person: Person, alone: list[str], empty: Path
) -> None:
    bundle = person.home / "b2p.tar"
    person.b2p("bundle", str(bundle))
    environment = {"HOME": str(empty), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    ended = subprocess.run(
        [*alone, "sh", "-c", SCRIPT, "sh", str(bundle), sys.executable],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
    )
    assert ended.returncode == 0, ended
    assert ended.stdout == "linux\n"
    assert "is there already" in person.b2p("bundle", str(bundle), status=2).err


def test_without_one_it_is_told_what_is_missing(person: Person, empty: Path) -> None:
    said = person.b2p("up", "away", "--offline", status=125,
                      environment={"B2P_CACHE_DIR": str(empty)})  # fmt: skip
    assert "something has to be fetched, and b2p is offline" in said.err
    assert "b2p bundle" in said.err
    assert not person.traces("away")
