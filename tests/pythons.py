"""Pythons with packages that nobody but one test needs, in virtual environments of their own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.boot.person import cache_home

if TYPE_CHECKING:
    from pathlib import Path


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
