"""The agent as it lies in a guest: its words filled in, its modules importing one another."""

from __future__ import annotations

import importlib
import signal
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import firmware
from b2p.image import firmware_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "guest/usr/lib/b2p/agent"
NAMES = ("addresses", "power", "disk", "identity", "port", "engine")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Its modules by name; `main` is the one that is run."""
    folder = tmp_path / "agent"
    folder.mkdir()
    for name, content, _ in firmware_files.files_below(firmware.directory() / FOLDER):
        (folder / name).write_bytes(content)
    (folder / "__main__.py").rename(folder / "b2p_agent_main.py")
    monkeypatch.syspath_prepend(str(folder))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    modules = {name: importlib.import_module(name) for name in NAMES}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield SimpleNamespace(**modules, main=importlib.import_module("b2p_agent_main"))
    # What was not taken would end the whole test run once it is let through.
    while signal.sigtimedwait([signal.SIGIO], 0):
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for name in (*NAMES, "b2p_agent_main"):
        sys.modules.pop(name, None)
