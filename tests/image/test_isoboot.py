"""Kernel and initrds out of ISOs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p.errors import UsageError
from b2p.formats.bootmenu import Choice
from b2p.image import isoboot, medium
from tests import fakes_iso

if TYPE_CHECKING:
    from pathlib import Path

STACKED = Choice(
    label="a", kernel="/boot/vmlinuz64", initrds=("/boot/a.gz", "/boot/b.gz"), command_line=""
)


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    files = {"/boot/vmlinuz64": b"kernel", "/boot/a.gz": b"aaaaa", "/boot/b.gz": b"bb"}
    return fakes_iso.iso(tmp_path / "x.iso", files)


def test_initrds_follow_each_other_each_at_a_multiple_of_four(tmp_path: Path, iso: Path) -> None:
    found = isoboot.taken_out(iso, STACKED, tmp_path / "boot" / "x", appended=b"070701")
    assert found.kernel.read_bytes() == b"kernel"
    assert found.initrd is not None
    assert found.initrd.read_bytes() == b"aaaaa\0\0\0bb\0\0" + b"070701"
    iso.unlink()
    assert isoboot.taken_out(iso, STACKED, tmp_path / "boot" / "x") == found


def test_a_choice_without_initrd_has_none(tmp_path: Path, iso: Path) -> None:
    bare = replace(STACKED, initrds=())
    assert isoboot.taken_out(iso, bare, tmp_path / "x").initrd is None


def test_an_iso_that_lacks_its_kernel_leaves_nothing(tmp_path: Path, iso: Path) -> None:
    gone = replace(STACKED, kernel="/boot/gone")
    with pytest.raises(UsageError, match="/boot/gone"):
        isoboot.taken_out(iso, gone, tmp_path / "boot" / "x")
    assert not list((tmp_path / "boot").iterdir())


def test_an_iso_without_a_menu_is_told(iso: Path) -> None:
    with pytest.raises(UsageError, match="no menu"):
        isoboot.choice_of(medium.examine(iso))
