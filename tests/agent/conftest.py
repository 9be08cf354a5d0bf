"""The agent as it lies in a guest: its words filled in, its modules importing one another."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import firmware
from b2p.image import firmware_files
from b2p.machine import engines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

FOLDER = "guest/usr/lib/b2p/agent"
NAMES = (
    *("addresses", "comfort", "clock", "power", "disk", "engine", "holders", "shares", "resumed"),
    *("identity", "port"),
    *("call", "rules", "rootless", "publish", "idleness", "gate", "surroundings", "core"),
    *("boundary", "kinds", "peers"),
    *("alone", "cloudwords", "consoles", "hardware", "known", "network", "partition"),
    *("seed", "volumes"),
)


@pytest.fixture(autouse=True)
def sigio() -> Iterator[None]:
    """SIGIO ends nothing here: by itself it would end the whole test run.

    The agent has one thread, which blocks it; a thread of another test's may not. What such a
    thread takes is handed on to the main one, where it waits for the agent to look.
    """

    def handed_on(number: int, _frame: FrameType | None) -> None:
        if number in signal.pthread_sigmask(signal.SIG_BLOCK, []):
            signal.pthread_kill(threading.main_thread().ident or 0, number)

    handler = signal.signal(signal.SIGIO, handed_on)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    while signal.sigtimedwait([signal.SIGIO], 0):
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGIO, handler)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Its modules by name; `main` is the one that is run."""
    yield from _agent(engines.PODMAN, tmp_path, monkeypatch)


@pytest.fixture
def docker_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """As `agent`, in an image with docker."""
    yield from _agent(engines.DOCKER, tmp_path, monkeypatch)


def _agent(
    engine: engines.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    folder = tmp_path / "agent"
    folder.mkdir()
    for name, content, _ in firmware_files.files_below(firmware.directory() / FOLDER, engine):
        (folder / name).write_bytes(content)
    (folder / "__main__.py").rename(folder / "b2p_agent_main.py")
    monkeypatch.syspath_prepend(str(folder))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    modules = {name: importlib.import_module(name) for name in NAMES}
    yield SimpleNamespace(**modules, main=importlib.import_module("b2p_agent_main"))
    for name in (*NAMES, "b2p_agent_main"):
        sys.modules.pop(name, None)
