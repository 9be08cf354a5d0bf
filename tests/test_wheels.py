"""Wheels made of what is installed: whole, the same each time, with all that is required."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from b2p import wheels
from b2p.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_wheel_holds_what_was_installed_and_not_what_pip_noted(tmp_path: Path) -> None:
    found = metadata.distribution("click")
    wheels._packed(found, tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"click-{found.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        record = archive.read(f"click-{found.version}.dist-info/RECORD").decode()
    assert "click/core.py" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith("INSTALLER")]
    assert {line.split(",")[0] for line in record.splitlines()} == set(names)
    before = wheel.read_bytes()
    wheels._packed(found, tmp_path)
    assert wheel.read_bytes() == before


def test_python_imports_from_it(tmp_path: Path) -> None:
    for name in ("h11", "psutil"):
        wheels._packed(metadata.distribution(name), tmp_path)
    wheel = next(tmp_path.glob("h11*"))
    ask = f"import sys; sys.path[:0] = [{str(wheel)!r}]; import h11; print(h11.__file__)"
    said = subprocess.run(
        [sys.executable, "-S", "-c", ask], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith(str(wheel))
    # Compiled ones keep their tags, all of them.
    assert "manylinux" in next(tmp_path.glob("psutil*")).name or sys.platform != "linux"


def test_all_that_is_required_comes_once_with_extras_and_without_what_does_not_apply() -> None:
    names = [one.name for one in wheels._closure(["rich", "rich>=1", "httpx", "click"])]
    assert len(names) == len(set(names))
    assert {"rich", "Pygments", "markdown-it-py", "mdurl", "httpx", "h11", "click"} <= {
        {"pygments": "Pygments"}.get(name, name) for name in names
    }
    assert "trio" not in names
    assert list(wheels._closure(['nothing; sys_platform == "plan9"'])) == []


def test_what_is_not_installed_is_told() -> None:
    with pytest.raises(HostError, match="'no-such-thing' is not installed"):
        list(wheels._closure(["no-such-thing"]))
