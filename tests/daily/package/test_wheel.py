"""The wheel holds all that b2p needs, is the same whoever builds it, and works when installed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import PATIENCE, TREE, Said
from tests.daily.package.conftest import build, copied
from tests.pythons import python_with

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
TEST = """
def test_engine(client):
    assert client.ping()
    assert client.containers.list() == []
"""


def digest(path: Path) -> str:
    """Of its bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_is_the_same_whoever_builds_it(
    hatch: Path, built: Path, wheel: Path, tmp_path: Path
) -> None:
    """Elsewhere, later, with other modes and times; and from the sdist."""
    elsewhere = copied(tmp_path / "else where")
    for path in elsewhere.rglob("*"):
        if path.is_file():
            path.chmod(0o700 if os.access(path, os.X_OK) else 0o600)
            os.utime(path, (1e9, 1e9))
    build(hatch, elsewhere, tmp_path / "one")
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (tree,) = (tmp_path / "unpacked").iterdir()
    build(hatch, tree, tmp_path / "two", "wheel")
    assert digest(tmp_path / "one" / wheel.name) == digest(wheel)
    assert digest(tmp_path / "one" / sdist.name) == digest(sdist)
    assert digest(tmp_path / "two" / wheel.name) == digest(wheel)


def test_it_holds_the_firmware_the_manual_and_the_completions(wheel: Path) -> None:
    firmware = TREE / "firmware"
    wanted = {
        f"b2p/firmware/{path.relative_to(firmware)}"
        for path in firmware.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert wanted <= names
        assert {"b2p/py.typed", "b2p/__init__.py"} <= names
        assert not [name for name in names if name.endswith(".pyc") or name.startswith("tests")]
        data = next(name for name in names if name.endswith("share/man/man1/b2p.1"))
        shared = data.removesuffix("man/man1/b2p.1")
        assert archive.read(data).startswith(b".TH B2P 1")
        for place in (
            "bash-completion/completions/b2p",
            "zsh/site-functions/_b2p",
            "fish/vendor_completions.d/b2p.fish",
        ):
            assert b"_B2P_COMPLETE" in archive.read(shared + place)


def test_a_fresh_environment_with_it_alone_has_machines(person: Person, installed: Path) -> None:
    said = b2p(person, installed, "up", "wheel")
    assert "machine 'wheel' is up" in said.err
    try:
        assert "podman" in b2p(person, installed, "podman", "-m", "wheel", "--version").out
        facts = json.loads(b2p(person, installed, "status", "wheel", "--json").out)
        assert facts["answers"] is True
        # Its firmware is the tree's: it makes the same image.
        person.b2p("up", "tree")
        assert person.facts("tree")["image"] == facts["image"]
        b2p(person, installed, "down", "wheel")
    finally:
        b2p(person, installed, "rm", "-f", "wheel", "tree", status=None)
    assert person.qemus() == []


def test_a_new_repository_has_the_fixtures(person: Person, installed: Path, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_engine.py").write_text(TEST)
    said = run(person, installed / "pytest", "-q", cwd=tmp_path)
    assert "1 passed" in said.out


def test_the_manual_is_where_man_looks(installed: Path) -> None:
    assert (installed.parent / "share/man/man1/b2p.1").is_file()
    assert (installed.parent / "share/bash-completion/completions/b2p").is_file()


def test_the_workflow_to_copy_is_one() -> None:
    """By the schema of GitHub's workflows, which comes with the checker."""
    python = python_with("check-jsonschema", "check-jsonschema>=0.33")
    command = [str(python), "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    workflow = TREE / "docs/ci/github-actions.yml"
    subprocess.run([*command, str(workflow)], check=True)
    broken = subprocess.run(
        [*command, "-"], input=workflow.read_text().replace("runs-on", "runs-in"), text=True
    )
    assert broken.returncode == 1


def b2p(person: Person, programs: Path, *words: str, status: int | None = 0) -> Said:
    """A verb of the installed b2p."""
    return run(person, programs / "b2p", *words, status=status)


def run(person: Person, *command: object, cwd: Path | None = None, status: int | None = 0) -> Said:
    """A program to its end, with nothing of the tree on its path."""
    ended = subprocess.run(
        [str(word) for word in command],
        env=person.environment,
        cwd=cwd or person.home,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert status is None or ended.returncode == status, ended
    return Said(ended.returncode, ended.stdout, ended.stderr)
