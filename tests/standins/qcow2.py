"""A raw image as qcow2, as publishers ship theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.formats import qcow2_writer

if TYPE_CHECKING:
    from pathlib import Path


def from_raw(raw: Path, out: Path) -> None:
    """Write the qcow2; the raw image's size must be whole clusters."""
    size = raw.stat().st_size
    with raw.open("rb") as source, out.open("wb") as target:
        qcow2_writer.write(source, target, length=size, size=size)
