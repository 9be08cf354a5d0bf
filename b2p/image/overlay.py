"""A machine's own disk over an image that nobody writes to; never a copy of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from b2p.formats import qcow2
from b2p.machine.model import Base
from b2p.partfile import explained

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.image.medium import Evidence

_MODE = 0o600
_ZEROS = bytes(4096)


def base_of(image: Path, found: Evidence) -> Base:
    """The image as an overlay's base, its format said."""
    return Base(path=str(image), format="qcow2" if found.kind == "qcow2" else "raw")


def lay(disk: Path, base: Base, *, wished: int, least: int) -> None:
    """Make the overlay at `disk`, `wished` bytes large but not less than the image's `least`."""
    content = qcow2.overlay(size=max(wished, least), backing=base.path, backing_format=base.format)
    with explained(disk):
        descriptor = os.open(disk, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            for at in range(0, len(content), len(_ZEROS)):
                block = content[at : at + len(_ZEROS)]
                if block != _ZEROS:
                    file.seek(at)
                    file.write(block)
            file.truncate(len(content))


def grow(disk: Path, wished: int) -> None:
    """Make the disk of a stopped machine as large as wished; one that is larger stays."""
    with explained(disk), disk.open("r+b") as file:
        if wished > qcow2.header(file, where=disk.name).size:
            qcow2.grow(file, wished, where=disk.name)
