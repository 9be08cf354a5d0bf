"""Copies of sparse files: the same bytes, and no more room."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.store import sparse

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 64 << 20
PIECES = {0: b"first", 5 << 20: os.urandom(70_000), SIZE - 4: b"last"}


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    path = tmp_path / "origin"
    sparse.blank(path, SIZE)
    with path.open("r+b") as file:
        for at, content in PIECES.items():
            os.pwrite(file.fileno(), content, at)
    return path


def test_a_copy_has_the_same_in_the_same_places(origin: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    sparse.copy(origin, copied)
    assert copied.read_bytes() == origin.read_bytes()
    assert copied.stat().st_blocks <= origin.stat().st_blocks + 64


def test_without_the_file_systems_help_it_is_the_same(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparse, "_taken_over", lambda *_: False)
    monkeypatch.setattr("b2p.store.sparse.sys.platform", "other")
    copied = tmp_path / "copied"
    sparse.copy(origin, copied)
    assert copied.read_bytes() == origin.read_bytes()
    assert copied.stat().st_blocks * 512 < SIZE // 8


def test_a_copy_never_goes_over_something(origin: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        sparse.copy(origin, tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"mine"


def test_a_copy_that_fails_leaves_nothing(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sparse, "_taken_over", lambda *_: False)
    monkeypatch.setattr(sparse, "_moved", full)
    with pytest.raises(OSError, match="No space"):
        sparse.copy(origin, tmp_path / "copied")
    assert not (tmp_path / "copied").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has memfd")
@given(st.dictionaries(st.integers(0, 255), st.binary(min_size=1, max_size=4096), max_size=5))
def test_memory_is_filled_with_what_the_file_holds(pages: dict[int, bytes]) -> None:
    source, target = sparse.in_memory(1 << 20), sparse.in_memory(1 << 20)
    try:
        for number, content in pages.items():
            os.pwrite(source, content, number * 4096)
        sparse.fill(target, source)
        assert os.pread(target, 1 << 20, 0) == os.pread(source, 1 << 20, 0)
    finally:
        os.close(source)
        os.close(target)
