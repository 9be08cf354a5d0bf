"""Packed images: each kind, whole, cut off and damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import pytest
import zstandard

from b2p.errors import HostError, TamperedError
from b2p.image.unpack import packing, unpack
from tests.fakes_debian import ListeningTask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = b"boot" + bytes(3 << 20) + bytes(range(256)) * 999 + bytes(2 << 20)
PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("xz", lambda content: lzma.compress(content, preset=0)),
    ("gz", lambda content: gzip.compress(content, 1)),
    ("bz2", bz2.compress),
    ("zst", zstandard.compress),
]


@pytest.mark.parametrize(("how", "pack"), PACKERS)
def test_each_kind_comes_out_as_it_was_with_holes(
    tmp_path: Path, how: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(pack(CONTENT))
    found = packing(packed.read_bytes()[:16])
    assert found == how
    task = ListeningTask()
    unpack(packed, tmp_path / "out", found, task)
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert (tmp_path / "out").stat().st_blocks * 512 < len(CONTENT) - (3 << 20)
    assert task.done == task.total == packed.stat().st_size


@pytest.mark.parametrize(("how", "pack"), PACKERS)
def test_one_that_is_cut_off_or_damaged_is_told(
    tmp_path: Path, how: str, pack: Callable[[bytes], bytes]
) -> None:
    whole = pack(CONTENT)
    damaged = whole[:20] + bytes(len(whole) - 20)
    for content in (whole[: len(whole) // 2], damaged):
        packed = tmp_path / "image.raw.xz"
        packed.write_bytes(content)
        with pytest.raises(TamperedError, match=r"image\.raw\.xz"):
            unpack(packed, tmp_path / "out", how, ListeningTask())  # type: ignore[arg-type]


def test_a_disk_that_fills_up_is_not_the_images_fault(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(CONTENT))
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(HostError, match="disk is full"):
        unpack(packed, full, "gz", ListeningTask())


def test_what_is_not_packed_is_told_so() -> None:
    assert packing(b"QFI\xfb") is None
