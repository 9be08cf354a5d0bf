"""The wheel and the sdist of this tree, built as a packager builds them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import TREE, Person, newcomer
from tests.pythons import python_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOT_SOURCE = shutil.ignore_patterns(
    *(".git", "__pycache__", ".*_cache", ".venv", ".hypothesis", "dist", "site")
)


@pytest.fixture(scope="session")
def person() -> Iterator[Person]:
    """One of their own: what a page shows is what somebody sees who has no machine yet."""
    with newcomer() as one:
        yield one


@pytest.fixture(scope="session")
def hatch() -> Path:
    """A Python with the builder that pyproject.toml names."""
    return python_with("hatchling-1", "hatchling>=1.26", "click>=8.1")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run([str(TREE / "scripts/wheel"), str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    """The wheel."""
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh virtual environment with the wheel, pytest and docker's SDK."""
    home = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin/python"), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, str(wheel)], check=True)
    subprocess.run([*pip, "pytest", "docker"], check=True)
    return home / "bin"


def copied(place: Path) -> Path:
    """The tree's files, elsewhere."""
    shutil.copytree(TREE, place, ignore=NOT_SOURCE)
    return place


def build(hatch: Path, tree: Path, into: Path, *targets: str) -> None:
    """The builder's run in a tree."""
    words = [word for target in targets for word in ("-t", target)]
    command = [str(hatch), "-m", "hatchling", "build", "-d", str(into), *words]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
