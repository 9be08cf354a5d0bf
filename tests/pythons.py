"""Pythons with packages that nobody but one test needs, in virtual environments of their own."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

from tests.boot.person import TREE, cache_home

if TYPE_CHECKING:
    from pathlib import Path

TESTCONTAINERS = "testcontainers==4.15.0"


def python_for_plugin() -> Path:
    """One that has pytest, clients of engines, and what b2p needs, but not b2p."""
    wanted = ("pytest>=8.2", "pytest-xdist>=3.5", "docker>=7.1", "podman>=5.0")
    document = tomllib.loads((TREE / "pyproject.toml").read_text())
    needs: list[str] = document["project"]["dependencies"]
    return python_with("plugin", *wanted, TESTCONTAINERS, *needs)


def python_with(name: str, *packages: str, shim: str = "") -> Path:
    """A Python that has these packages, made once in the user's cache; whole or made again.

    `shim` is a line that it runs at each start.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    home = cache_home() / f"b2p/tools/{name}-python-{version}"
    python, whole = home / "bin/python", home / "whole"
    if not whole.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        command = [str(python), "-m", "pip", "install", "-q", *packages]
        subprocess.run(command, check=True, capture_output=True)
        if shim:
            (next((home / "lib").glob("python*/site-packages")) / "shim.pth").write_text(shim)
        whole.touch()
    return python
