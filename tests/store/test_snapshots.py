"""Layers of a disk: never copied, never lost, gone when nothing lies on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from b2p.errors import StateError
from b2p.formats import qcow2
from b2p.store import snapshots
from b2p.store.layout import MachineFiles

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 1 << 30


@pytest.fixture
def files(tmp_path: Path) -> MachineFiles:
    """A machine with a disk that holds a word."""
    home = tmp_path / "m"
    home.mkdir()
    found = MachineFiles(home=home, run=tmp_path / "r")
    with found.data_disk.open("wb") as disk:
        disk.write(b"first")
        disk.truncate(SIZE)
    return found


def backing(disk: Path) -> str:
    with disk.open("rb") as file:
        found = qcow2.header(file, where="x")
    assert found.size == SIZE
    assert found.backing_format == ("qcow2" if found.backing.endswith("qcow2") else "raw")
    return found.backing


def names(files: MachineFiles) -> list[str]:
    return [one.name for one in snapshots.listing(files)]


def test_a_disk_becomes_a_layer_without_a_copy(files: MachineFiles) -> None:
    inode = files.data_disk.stat().st_ino
    assert snapshots.top(files) == (files.data_disk, "raw")
    made = snapshots.create(files, "one", "2026-01-01")
    kept, form = snapshots.disk_of(files, made.folder)
    assert (kept.stat().st_ino, form, kept.stat().st_mode & 0o777) == (inode, "raw", 0o400)
    assert snapshots.top(files) == (files.data_overlay, "qcow2")
    assert backing(files.data_overlay) == str(kept)
    assert not files.data_disk.exists()
    assert snapshots.used_bytes(files, made.folder) < 1 << 20


def test_layers_lie_on_layers_and_each_can_be_gone_back_to(files: MachineFiles) -> None:
    first = snapshots.create(files, "one", "2026-01-01")
    second = snapshots.create(files, "two", "2026-01-02")
    assert names(files) == ["one", "two"]
    assert backing(files.data_overlay) == str(snapshots.disk_of(files, second.folder)[0])
    snapshots.restore(files, first)
    assert backing(files.data_overlay) == str(snapshots.disk_of(files, first.folder)[0])
    snapshots.restore(files, second)
    assert backing(files.data_overlay) == str(snapshots.disk_of(files, second.folder)[0])
    assert names(files) == ["one", "two"]


def test_what_loses_its_name_stays_while_something_lies_on_it(files: MachineFiles) -> None:
    first = snapshots.create(files, "one", "2026-01-01")
    second = snapshots.create(files, "two", "2026-01-02")
    snapshots.remove(files, first)
    assert names(files) == ["two"]
    assert snapshots.disk_of(files, first.folder)[0].exists()
    third = snapshots.create(files, "three", "2026-01-03")
    snapshots.remove(files, third)
    assert snapshots.disk_of(files, third.folder)[0].exists()
    snapshots.restore(files, second)
    with pytest.raises(StateError, match="is gone"):
        snapshots.disk_of(files, third.folder)
    assert snapshots.disk_of(files, first.folder)[0].exists()


@pytest.mark.parametrize("moment", ["linked", "laid"])
def test_a_snapshot_that_is_broken_off_leaves_the_disk_whole(
    files: MachineFiles, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class BrokenOffError(Exception):
        pass

    def fail(*_given: object, **_named: object) -> None:
        raise BrokenOffError

    with monkeypatch.context() as patch:
        if moment == "linked":
            patch.setattr(snapshots, "_lay", fail)
        else:
            patch.setattr(type(files.data_disk), "unlink", fail)
        with pytest.raises(BrokenOffError):
            snapshots.create(files, "one", "2026-01-01")
    assert names(files) == []
    disk, form = snapshots.top(files)
    if form == "raw":
        assert disk.read_bytes()[:5] == b"first"
    snapshots.create(files, "two", "2026-01-02")
    assert names(files) == ["two"]
    assert not files.data_disk.exists()
    disk = files.data_overlay
    while disk.suffix == ".qcow2":
        disk = files.home / backing(disk)
    assert disk.read_bytes()[:5] == b"first"


@pytest.mark.parametrize("note", [b"", b"{}", b'{"schema": 2, "name": "x", "created": "y"}'])
def test_a_note_that_cannot_be_read_is_told_and_nothing_removed(
    files: MachineFiles, note: bytes
) -> None:
    made = snapshots.create(files, "one", "2026-01-01")
    (files.snapshots / made.folder / snapshots.NOTE).write_bytes(note)
    with pytest.raises(StateError, match="cannot be used"):
        snapshots.restore(files, made)
    assert snapshots.disk_of(files, made.folder)[0].exists()


def test_the_note_says_what_people_need(files: MachineFiles) -> None:
    made = snapshots.create(files, "one", "2026-01-01")
    values = json.loads((files.snapshots / made.folder / snapshots.NOTE).read_bytes())
    assert values == {"schema": 1, "name": "one", "created": "2026-01-01"}
