"""The engine's gate: a FIFO among its settings, which keeps its reader until the data is there."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.boot.person import await_true


@pytest.fixture
def fifo(agent: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As the initrd makes it."""
    path = tmp_path / "00-gate.conf"
    os.mkfifo(path)
    monkeypatch.setattr(agent.gate, "PATH", str(path))
    return path


@pytest.mark.parametrize("first", ["reader", "agent"])
def test_who_reads_waits_until_it_is_opened(agent: Any, fifo: Path, first: str) -> None:
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
    if first == "reader":
        reader.start()
    gate = agent.gate.Gate()
    if first == "agent":
        reader.start()
    await_true("the reader", lambda: _opened_by_us(fifo) > 1)
    assert reader.is_alive()
    gate.open()
    reader.join(30)
    assert read == [""]


def _opened_by_us(fifo: Path) -> int:
    count = 0
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += one.readlink() == fifo
    return count


def test_once_open_it_is_a_file_of_nothing_for_all(agent: Any, fifo: Path) -> None:
    agent.gate.Gate().open()
    assert stat.S_ISREG(fifo.lstat().st_mode)
    assert fifo.read_text() == ""
    # A second agent, after the first one crashed.
    agent.gate.Gate().open()
    assert fifo.read_text() == ""


def test_without_a_fifo_there_is_no_gate(
    agent: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(agent.gate, "PATH", str(tmp_path / "none"))
    gate = agent.gate.Gate()
    gate.await_engine()
    gate.open()
    assert list(tmp_path.glob("none*")) == []


def test_a_state_is_made_once_the_engine_waits_there(
    agent: Any, fifo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n")
    monkeypatch.setattr(agent.engine, "GROUP", str(tmp_path))
    pauses: list[float] = []
    monkeypatch.setattr(agent.power, "pause", pauses.append)
    gate = agent.gate.Gate()
    gate.await_engine()
    assert pauses == []
    (tmp_path / "cgroup.procs").write_text("")
    gate.await_engine()
    assert sum(pauses) == pytest.approx(agent.gate.ARRIVED_SECONDS, abs=1)
    gate.open()
