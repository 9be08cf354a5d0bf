"""A home of its own for each test of the command line."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from b2p.store import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.store.layout import Layout


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home of a short path, with nothing of the caller's environment."""
    place = Path(tempfile.mkdtemp(prefix="b2p-", dir="/tmp"))
    for name in [name for name in os.environ if name.startswith(("B2P_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.chdir(place)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def layout(home: Path) -> Layout:
    """The layout in that home."""
    assert home.is_dir()
    return places.layout(os.environ)
