"""Snapshots of a machine's data disk: layers that nobody writes to, and a thin one on top.

SNAPSHOTS/<id>/{disk.raw or disk.qcow2, snapshot.json}. A layer without snapshot.json has lost its
name and stays for as long as another one lies on it. No layer is ever copied or moved.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from b2p.errors import StateError
from b2p.formats import qcow2
from b2p.store import durable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from b2p.machine.model import DiskFormat
    from b2p.store.layout import MachineFiles

NOTE = "snapshot.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A state of the disk that has a name."""

    name: str
    created: str
    """ISO 8601."""
    folder: str
    """The name of its layer's directory."""


def top(files: MachineFiles) -> tuple[Path, DiskFormat]:
    """The file that the machine writes to, and what it is."""
    if files.data_overlay.exists():
        return files.data_overlay, "qcow2"
    return files.data_disk, "raw"


def listing(files: MachineFiles) -> list[Snapshot]:
    """All that have a name, the oldest first; raises StateError for one that cannot be read."""
    found = []
    for note in files.snapshots.glob(f"*/{NOTE}"):
        try:
            values = json.loads(note.read_bytes())
            found.append(_read(values, note.parent.name))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise StateError(
                f"the snapshot at {str(note.parent)!r} cannot be used: {error}",
                "restore that file, or remove it: the snapshot's data then goes with the machine",
            ) from error
    return sorted(found, key=lambda one: (one.created, one.name))


def _read(values: Any, folder: str) -> Snapshot:
    if values["schema"] != SCHEMA:
        raise ValueError("it was written by another b2p")
    name, created = values["name"], values["created"]
    if not isinstance(name, str) or not isinstance(created, str):
        raise TypeError("its name and its date are no texts")
    return Snapshot(name=name, created=created, folder=folder)


def disk_of(files: MachineFiles, folder: str) -> tuple[Path, DiskFormat]:
    """The layer's file, and what it is; raises StateError where it is gone."""
    formats: tuple[DiskFormat, ...] = ("raw", "qcow2")
    for form in formats:
        path = files.snapshots / folder / f"disk.{form}"
        if path.exists():
            return path, form
    raise StateError(
        f"the disk of the snapshot at {str(files.snapshots / folder)!r} is gone",
        "put it back from a backup",
    )


def create(files: MachineFiles, name: str, created: str) -> Snapshot:
    """Give the disk as it is a name; what is written from now on goes to a thin one over it.

    Whenever it is broken off, the disk is whole: at worst the snapshot has no name.
    """
    settle(files)
    before, form = top(files)
    layer = files.snapshots / uuid.uuid4().hex[:12]
    with _explained(files):
        layer.mkdir(parents=True)
        kept = layer / f"disk.{form}"
        os.link(before, kept)
        _lay(files, kept, form)
        if before == files.data_disk:
            before.unlink()
        kept.chmod(0o400)
    made = Snapshot(name=name, created=created, folder=layer.name)
    note = {key: value for key, value in asdict(made).items() if key != "folder"}
    durable.write(layer / NOTE, json.dumps({"schema": SCHEMA, **note}).encode())
    return made


def restore(files: MachineFiles, wanted: Snapshot) -> None:
    """Have the disk as it was then; what was written since and has no name is gone."""
    settle(files)
    with _explained(files):
        _lay(files, *disk_of(files, wanted.folder))
        files.data_disk.unlink(missing_ok=True)
    sweep(files)


def remove(files: MachineFiles, unwanted: Snapshot) -> None:
    """Take its name away, and its data unless something lies on it."""
    with _explained(files):
        durable.remove(files.snapshots / unwanted.folder / NOTE)
    sweep(files)


def settle(files: MachineFiles) -> None:
    """Finish what was broken off: once there is a thin disk, the one that became a layer goes."""
    if files.data_overlay.exists():
        with _explained(files):
            files.data_disk.unlink(missing_ok=True)
    sweep(files)


def sweep(files: MachineFiles) -> None:
    """Remove the layers on which neither the machine nor a name lies."""
    if not files.snapshots.is_dir():
        return
    needed = set(_chain(files, top(files)[0]))
    for one in listing(files):
        needed |= {files.snapshots / one.folder, *_chain(files, disk_of(files, one.folder)[0])}
    for layer in files.snapshots.iterdir():
        if layer not in needed:
            shutil.rmtree(layer, ignore_errors=True)


def used_bytes(files: MachineFiles, folder: str) -> int:
    """What the layer takes on the disk."""
    return disk_of(files, folder)[0].stat().st_blocks * 512


def _chain(files: MachineFiles, disk: Path) -> Iterator[Path]:
    """The directories of the layers beneath a disk of ours."""
    while disk.suffix == ".qcow2":
        with disk.open("rb") as file:
            # Written by us, and no guest can reach a header.
            disk = files.snapshots / qcow2.header(file, where=disk.name).backing
        yield disk.parent


def _lay(files: MachineFiles, base: Path, form: DiskFormat) -> None:
    """A new thin disk over `base`, in one step."""
    size = base.stat().st_size
    if form == "qcow2":
        with base.open("rb") as file:
            size = qcow2.header(file, where=base.name).size
    content = qcow2.overlay(size=size, backing=str(base), backing_format=form)
    durable.write(files.data_overlay, content)


@contextlib.contextmanager
def _explained(files: MachineFiles) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(
            f"the disks at {str(files.home)!r} cannot be changed: {error.strerror or error}",
            "make room there, or give yourself the right to write there",
        ) from error
