"""Overlays as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.errors import HostError
from b2p.formats import qcow2
from b2p.image import medium, overlay
from b2p.machine.model import Base
from tests.image.test_medium import RAW, as_qcow2

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("content", "kind"), [(RAW, "raw"), (as_qcow2(RAW), "qcow2")])
def test_an_overlay_says_what_lies_beneath_and_takes_no_room(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    image, disk = tmp_path / "image", tmp_path / "disk.qcow2"
    image.write_bytes(content)
    found = medium.examine(image)
    base = overlay.base_of(image, found)
    assert base == Base(path=str(image), format=kind)  # type: ignore[arg-type]
    overlay.lay(disk, base, wished=10 << 30, least=found.size)
    with disk.open("rb") as file:
        header = qcow2.header(file, where="disk")
    assert (header.size, header.backing, header.backing_format) == (10 << 30, str(image), kind)
    expected = qcow2.overlay(size=10 << 30, backing=str(image), backing_format=base.format)
    assert disk.read_bytes() == expected
    assert disk.stat().st_blocks * 512 <= 1 << 16
    assert disk.stat().st_mode & 0o777 == 0o600


def test_a_disk_is_never_smaller_than_its_image_and_grows_later(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    overlay.lay(disk, Base(path="/b", format="raw"), wished=1 << 20, least=8 << 20)

    def size() -> int:
        with disk.open("rb") as file:
            return qcow2.header(file, where="disk").size

    assert size() == 8 << 20
    overlay.grow(disk, 1 << 20)
    assert size() == 8 << 20
    overlay.grow(disk, 1 << 30)
    assert size() == 1 << 30


def test_a_disk_that_is_there_is_never_laid_anew(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"somebody's data")
    with pytest.raises(HostError, match="disk"):
        overlay.lay(disk, Base(path="/b", format="raw"), wished=1 << 20, least=1)
    assert disk.read_bytes() == b"somebody's data"
