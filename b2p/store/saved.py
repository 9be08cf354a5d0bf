"""The saved state of a suspended machine: two files, of which the manifest makes it count.

The state is written first and the manifest last, in one step; it is removed before the machine
runs again. So a state is whole where there is a manifest, and is never resumed twice.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from b2p.errors import StateError
from b2p.store import durable, snapshots

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from b2p.store.layout import MachineFiles

SCHEMA = 1
STAMPED = ("data disk", "saved state")
"""The fields that `stamps` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a state was made from, and when."""

    command: tuple[str, ...]
    """The words that started the QEMU that saved it."""
    fields: Mapping[str, str]
    """What must be the same for it to be resumed: see b2p/machine/state.py, and `stamps`."""
    saved_at: str
    """ISO 8601, UTC."""
    by_itself: bool = False
    """Whether nobody needed the machine, and nobody asked for it."""


def read(files: MachineFiles) -> Saved | None:
    """What is saved of the machine; None where nothing is, or nothing of use."""
    try:
        values: Any = json.loads(files.saved_manifest.read_bytes())
        if values["schema"] != SCHEMA:
            return None
        return Saved(
            command=tuple(map(str, values["command"])),
            fields={str(key): str(value) for key, value in values["fields"].items()},
            saved_at=str(values["saved_at"]),
            by_itself=values.get("by_itself") is True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write(files: MachineFiles, saved: Saved) -> None:
    """From now on the machine is suspended; the state must lie on the disk already."""
    content = json.dumps({"schema": SCHEMA, **asdict(saved)}, indent=2).encode() + b"\n"
    durable.write(files.saved_manifest, content)


def exists(files: MachineFiles) -> bool:
    """Whether the machine is suspended, whatever its state is worth."""
    return files.saved_manifest.exists()


def disown(files: MachineFiles) -> None:
    """The machine is not suspended any more: the first thing to do before it runs or is saved."""
    try:
        durable.remove(files.saved_manifest)
    except OSError as error:
        # Resumed a second time, the state would ruin the disk.
        raise StateError(
            f"cannot remove {str(files.saved_manifest)!r}: {error.strerror or error}",
            "give yourself the right to write there",
        ) from error


def discard(files: MachineFiles) -> None:
    """Leave nothing of it."""
    disown(files)
    files.saved_state.unlink(missing_ok=True)
    files.used_state.unlink(missing_ok=True)


def put_away(files: MachineFiles) -> Path:
    """Where the state lies from now on, which has been resumed and may be removed at leisure."""
    return files.saved_state.rename(files.used_state)


def settle(files: MachineFiles) -> None:
    """Have the state itself on the disk, whatever happens to the computer; raises OSError."""
    descriptor = os.open(files.saved_state, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stamps(files: MachineFiles, disk_bytes: int = 0) -> dict[str, str]:
    """How to tell that nobody changed the state or the data disk since it was saved.

    `disk_bytes`: what the disk would be grown to.
    """
    disk, form = snapshots.top(files)
    # A thin disk grows by a field within.
    values = _stamp(disk, disk_bytes if form == "raw" else 0), _stamp(files.saved_state)
    return dict(zip(STAMPED, values, strict=True))


def _stamp(path: Path, least: int = 0) -> str:
    try:
        found = path.stat()
    except OSError:
        return "gone"
    return f"{max(found.st_size, least)} bytes, file {found.st_ino}, changed {found.st_mtime_ns}"
