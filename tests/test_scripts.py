"""The virtual environments that scripts/ make on first use: whole or not there at all."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

TREE = Path(__file__).parent.parent
Capture = pytest.CaptureFixture[str]


def loaded() -> Any:
    """scripts/lib/make_venv.py, which is a program and on no path."""
    found = importlib.util.spec_from_file_location("make_venv", TREE / "scripts/lib/make_venv.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program, with an installer that installs nothing."""
    module = loaded()
    monkeypatch.setattr(module, "install", lambda _python, _wanted: None)
    monkeypatch.setattr(module.signal, "signal", lambda _number, _handler: None)
    return module


def test_each_kind_gets_what_pyproject_names(maker: Any) -> None:
    run, test = maker.requirements(TREE, "run"), maker.requirements(TREE, "test")
    assert any(one.startswith("click") for one in run)
    assert not any(one.startswith("pytest") for one in run)
    assert any(one.startswith("pytest") for one in test)
    assert set(run) < set(test)


def test_a_new_environment_finds_b2p_and_leaves_nothing_else(maker: Any, tmp_path: Path) -> None:
    target = tmp_path / "cache/venv-run-1"
    assert maker.main("run", TREE, target) == 0
    command = [str(target / "bin/python"), "-I", "-c", "import b2p; print(b2p.__file__)"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(TREE / "b2p/__init__.py")
    assert {path.name for path in target.parent.iterdir()} == {".venv.lock", "venv-run-1"}


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device"), 125, "No space left"),
    ],
)
def test_an_environment_that_is_not_finished_is_not_there(
    maker: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    error: BaseException,
    status: int,
    said: str,
) -> None:
    def install(_python: Path, _wanted: list[str]) -> None:
        raise error

    monkeypatch.setattr(maker, "install", install)
    assert maker.main("run", TREE, tmp_path / "venv-run-1") == status
    assert [path.name for path in tmp_path.iterdir()] == [".venv.lock"]
    assert said in capsys.readouterr().err


def test_what_the_installer_said_is_shown_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    module = loaded()
    monkeypatch.setattr(module.signal, "signal", lambda _number, _handler: None)
    monkeypatch.setattr(
        module, "installers", lambda _: [["sh", "-c", "echo no such index; exit 1"]]
    )
    assert module.main("run", TREE, tmp_path / "venv-run-1") == 125
    lines = capsys.readouterr().err.splitlines()
    assert "could not be installed" in lines[-3]
    assert lines[-1] == "no such index"


def test_the_second_of_two_waits_and_finds_the_firsts(
    maker: Any, tmp_path: Path, capsys: Capture
) -> None:
    target = tmp_path / "venv-run-1"
    with (tmp_path / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(target=maker.main, args=("run", TREE, target))
        second.start()
        (target / "bin").mkdir(parents=True)
        (target / "bin/python").symlink_to("/bin/sh")
    second.join(20)
    assert not second.is_alive()
    assert not (target / "lib").exists()
    assert "setting up" not in capsys.readouterr().err


def test_environments_of_trees_that_went_are_forgotten(maker: Any, tmp_path: Path) -> None:
    for name, tree in (("venv-run-1", TREE), ("venv-run-2", TREE), ("venv-run-3", "/gone")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tree").write_text(f"run {tree}\n")
    os.utime(tmp_path / "venv-run-1/tree", (0, 0))
    maker.forget_old("run", TREE, tmp_path / "venv-run-2")
    assert [path.name for path in tmp_path.iterdir()] == ["venv-run-2"]


def start(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """scripts/b2p with no Python on the PATH."""
    for name in ("bash", "cksum"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), **variables}
    return subprocess.run(
        [str(tmp_path / "bash"), str(TREE / "scripts/b2p"), "ls"],
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "no Python 3.11 or newer"),
        ({"B2P_PYTHON": "/bin/false"}, "B2P_PYTHON='/bin/false' is no Python 3.11"),
        ({"HOME": ""}, "neither HOME nor XDG_CACHE_HOME"),
    ],
)
def test_what_lacks_is_told_in_one_line_with_a_hint(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    ended = start(tmp_path, **variables)
    assert ended.returncode == 125
    first, hint = ended.stderr.splitlines()
    assert first.startswith("b2p: ")
    assert said in first
    assert hint.startswith("  ")


@pytest.mark.parametrize("name", ["b2p", "check", "test", "varlink-table", "../.ci/run"])
def test_every_script_can_be_run(name: str) -> None:
    assert os.access(TREE / "scripts" / name, os.X_OK)


def test_an_unknown_tier_is_told_the_known_ones() -> None:
    ended = subprocess.run(
        [str(TREE / "scripts/test"), "boots"], capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 2
    assert "Tiers: unit boot" in ended.stderr


def test_what_builds_the_wheel_is_what_pyproject_says(maker: Any) -> None:
    build = maker.requirements(TREE, "build")
    assert any(one.startswith("hatchling") for one in build)
    assert not any(one.startswith("httpx") for one in build)
