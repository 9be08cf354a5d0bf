"""Partition tables (GPT, MBR) and the labels of file systems: enough to tell whose disk it is."""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from b2p.machine.model import Arch

    Read = Callable[[int, int], bytes]
    """(offset, length) -> bytes of the disk."""

SECTOR = 512
_MOST_ENTRIES = 256

_ROOTS: dict[str, Arch] = {
    # Types of root and /usr partitions that systemd's Discoverable Partitions name by architecture.
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "x86_64",
    "8484680c-9521-48c6-9c11-b0720656f69e": "x86_64",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "aarch64",
    "b0e01050-ee5f-4390-949a-9101b17104e9": "aarch64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One entry of a table."""

    name: str
    """As GPT has it; empty in an MBR."""
    kind: str
    """GPT's type as a UUID, or MBR's as two hexadecimal digits."""
    label: str
    """Of the file system in it."""
    start: int
    size: int
    """Both in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the first blocks of a disk say."""

    scheme: Literal["gpt", "mbr", ""]
    partitions: tuple[Partition, ...] = ()
    boots_bios: bool = False
    """Whether there is code in the first sector that a BIOS would start."""

    @property
    def arch(self) -> Arch | None:
        """The architecture that the types of its partitions name, where they do."""
        named = {_ROOTS[one.kind] for one in self.partitions if one.kind in _ROOTS}
        return named.pop() if len(named) == 1 else None


def table(read: Read) -> Table:
    """The table of a disk; one without is a Table without a scheme."""
    first = read(0, SECTOR)
    if first[510:512] != b"\x55\xaa":
        return Table(scheme="")
    boots = any(first[:440])
    head = read(SECTOR, 92)
    if head[:8] == b"EFI PART":
        return Table(scheme="gpt", partitions=tuple(_gpt(read, head)), boots_bios=boots)
    return Table(scheme="mbr", partitions=tuple(_mbr(read, first)), boots_bios=boots)


def label(read: Read, start: int = 0) -> str:
    """The label of the file system (ext, xfs, btrfs, FAT) that begins there; empty if none."""
    head = read(start, 2048)
    if head[1080:1082] == b"\x53\xef":
        return _text(head[1144:1160])
    if head[:4] == b"XFSB":
        return _text(head[108:120])
    if head[510:512] == b"\x55\xaa":
        for magic, at in ((82, 71), (54, 43)):
            if head[magic : magic + 3] == b"FAT":
                return _text(head[at : at + 11])
    tree = read(start + 0x10000, 0x400)
    return _text(tree[0x12B:0x22B]) if tree[0x40:0x48] == b"_BHRfS_M" else ""


def _gpt(read: Read, head: bytes) -> Iterator[Partition]:
    entries_at, count, width = struct.unpack_from("<QII", head, 72)
    if not 128 <= width <= 4096:
        return
    entries = read(entries_at * SECTOR, min(count, _MOST_ENTRIES) * width)
    for offset in range(0, len(entries) - width + 1, width):
        kind = uuid.UUID(bytes_le=entries[offset : offset + 16])
        first, last = struct.unpack_from("<QQ", entries, offset + 32)
        if kind.int and last >= first:
            yield Partition(
                name=_text(entries[offset + 56 : offset + 128], "utf-16-le"),
                kind=str(kind),
                label=label(read, first * SECTOR),
                start=first * SECTOR,
                size=(last - first + 1) * SECTOR,
            )


def _mbr(read: Read, first: bytes) -> Iterator[Partition]:
    for offset in range(446, 510, 16):
        kind = first[offset + 4]
        start, sectors = struct.unpack_from("<II", first, offset + 8)
        if kind and sectors:
            yield Partition(
                name="",
                kind=f"{kind:02x}",
                label=label(read, start * SECTOR),
                start=start * SECTOR,
                size=sectors * SECTOR,
            )


def _text(raw: bytes, encoding: str = "utf-8") -> str:
    return raw.decode(encoding, "replace").partition("\0")[0].strip()
