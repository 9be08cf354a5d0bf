"""A small FAT file system as bytes, such as the one in an ISO that UEFI finds its loader in. Pure.

FAT12, for files of a few MiB and names of eight letters and three; the same files, the same bytes.
Layout: Microsoft's "FAT General Overview of On-Disk Format".
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTOR = 512
_PER_CLUSTER = 4
_CLUSTER = SECTOR * _PER_CLUSTER
_ENTRY = struct.Struct("<11sBBBHHHHHHHI")
_ROOT_ENTRIES = 64
_MOST_CLUSTERS = 4084
"""One more, and readers would take it for FAT16."""
_END = 0xFFF
_DIRECTORY, _ARCHIVE = 0x10, 0x20
_DATE = (2025 - 1980) << 9 | 8 << 5 | 9
_NAME = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")
_BOOT = struct.Struct("<3s8sHBHBHHBHHHIIBBBI11s8s")


def image(files: Mapping[str, bytes], *, serial: int) -> bytes:
    """The file system with these files ("EFI/BOOT/BOOTX64.EFI") and their directories.

    Raises ValueError for a name that FAT has no short form of, and for more than 8 MiB.
    """
    volume = _Volume()
    tree: dict[str, object] = {}
    for path, content in sorted(files.items()):
        *folders, name = path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})  # type: ignore[assignment]  # a folder, not a file
        place[name] = content
    root = volume.entries(tree, above=0)
    return volume.laid_out(root, serial)


class _Volume:
    """Clusters as they are filled."""

    def __init__(self) -> None:
        self.table = [0xFF8, _END]
        self.clusters: list[bytes] = []

    def entries(self, tree: Mapping[str, object], *, above: int) -> bytes:
        """The entries of a directory, with all that lies below it put into clusters."""
        found = []
        for name, content in tree.items():
            if isinstance(content, bytes):
                first = self._chained(content)
                found.append(_entry(_short(name), _ARCHIVE, first, len(content)))
            elif isinstance(content, dict):
                first = self._chained(bytes(_CLUSTER))
                inner = self.entries(content, above=first)
                dots = _entry(b".", _DIRECTORY, first, 0) + _entry(b"..", _DIRECTORY, above, 0)
                if len(dots) + len(inner) > _CLUSTER:
                    raise ValueError(f"too many files in {name!r}")
                self.clusters[first - 2] = (dots + inner).ljust(_CLUSTER, b"\0")
                found.append(_entry(_short(name), _DIRECTORY, first, 0))
        return b"".join(found)

    def _chained(self, content: bytes) -> int:
        """The first of the clusters that the content was put into."""
        count = -(-len(content) // _CLUSTER)
        first = len(self.table)
        self.table += [*range(first + 1, first + count), _END] if count else []
        for at in range(0, len(content), _CLUSTER):
            self.clusters.append(content[at : at + _CLUSTER].ljust(_CLUSTER, b"\0"))
        return first if count else 0

    def laid_out(self, root: bytes, serial: int) -> bytes:
        """Boot sector, two tables, root directory, clusters."""
        if len(self.clusters) > _MOST_CLUSTERS or len(root) > _ROOT_ENTRIES * _ENTRY.size:
            raise ValueError("that is too much for a FAT of this kind")
        table = self._packed_table()
        per_table = len(table) // SECTOR
        reserved, root_sectors = 1, _ROOT_ENTRIES * _ENTRY.size // SECTOR
        sectors = reserved + 2 * per_table + root_sectors + len(self.clusters) * _PER_CLUSTER
        boot = _BOOT.pack(
            *(b"\xeb\x3c\x90", b"B2P     ", SECTOR, _PER_CLUSTER, reserved, 2, _ROOT_ENTRIES),
            *(sectors, 0xF8, per_table, 32, 64, 0, 0, 0x80, 0, 0x29, serial & 0xFFFFFFFF),
            *(b"B2P        ", b"FAT12   "),
        )
        first = boot.ljust(510, b"\0") + b"\x55\xaa"
        content = root.ljust(root_sectors * SECTOR, b"\0") + b"".join(self.clusters)
        return first + table * 2 + content

    def _packed_table(self) -> bytes:
        """Twelve bits an entry, two entries in three bytes."""
        even = [*self.table, 0] if len(self.table) % 2 else self.table
        pairs = zip(even[::2], even[1::2], strict=True)
        packed = b"".join((one | two << 12).to_bytes(3, "little") for one, two in pairs)
        return packed.ljust(-(-len(packed) // SECTOR) * SECTOR, b"\0")


def _short(name: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no short name of FAT's")
    stem, _, ending = name.partition(".")
    return f"{stem:8}{ending:3}".encode()


def _entry(name: bytes, kind: int, first: int, size: int) -> bytes:
    fields = (name.ljust(11), kind, 0, 0, 0, _DATE, _DATE, 0, 0, _DATE, first, size)
    return _ENTRY.pack(*fields)
