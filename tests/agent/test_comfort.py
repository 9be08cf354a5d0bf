"""Limits and swap of a guest."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_limits_are_raised_where_the_kernel_has_them(
    agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vm").mkdir()
    (tmp_path / "vm/max_map_count").write_text("65530\n")
    monkeypatch.setattr(agent.comfort, "ROOT", str(tmp_path))
    agent.comfort.raise_limits()
    assert (tmp_path / "vm/max_map_count").read_text() == "1048576"


def test_a_swap_area_is_one_for_the_tools_too(agent: Any, tmp_path: Path) -> None:
    area = tmp_path / "swap"
    area.write_bytes(agent.comfort.header(256) + bytes(255 * 4096))
    if shutil.which("blkid") is None:
        pytest.skip("blkid is not installed")
    said = subprocess.run(["blkid", "-p", str(area)], capture_output=True, text=True, check=True)
    assert 'TYPE="swap"' in said.stdout


def test_swap_is_made_once(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[tuple[bytes, int]] = []

    class Libc:
        @staticmethod
        def swapon(path: bytes, flags: int) -> int:
            used.append((path, flags))
            return 0

    monkeypatch.setattr(agent.comfort.ctypes, "CDLL", lambda *_given, **_named: Libc)
    monkeypatch.setattr(agent.comfort, "ZRAM", str(tmp_path))
    monkeypatch.setattr(agent.comfort, "SWAP", str(tmp_path / "zram"))
    agent.comfort.swap()
    assert not used
    (tmp_path / "disksize").write_text("0")
    agent.comfort.swap()
    assert used == [(str(tmp_path / "zram").encode(), 0x8064)]
    half = os.sysconf("SC_PHYS_PAGES") // 2 * 4096
    assert (tmp_path / "disksize").read_text() == str(half)
    agent.comfort.swap()
    assert len(used) == 1
