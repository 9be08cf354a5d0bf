"""The names of the files in a FAT, such as those of the boot loader in an EFI partition."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]
    """(offset, length) -> bytes of the disk."""

_DEEPEST = 4
_MOST_FILES = 1000
_MOST_BYTES = 1 << 20
"""Of all directories: a damaged one may lead in circles."""
_ENTRY = 32
_LONG, _VOLUME, _DIRECTORY = 0x0F, 0x08, 0x10
_FREE, _END, _DOT = 0xE5, 0, 0x2E


class _Volume:
    def __init__(self, read: Read, start: int) -> None:
        self._read = read
        self._start = start
        self._left = _MOST_BYTES
        head = read(start, 512)
        sector, per_cluster, reserved, tables, self._root_entries, small, _, table = (
            struct.unpack_from("<11xHBHBHHBH", head)
        )
        if head[510:512] != b"\x55\xaa" or sector not in (512, 1024, 2048, 4096) or not per_cluster:
            raise LookupError
        wide_count, wide_table = struct.unpack_from("<32xII", head)
        table, count = table or wide_table, small or wide_count
        self._table_at = reserved * sector
        self._root_at = self._table_at + tables * table * sector
        root_sectors = -(-self._root_entries * _ENTRY // sector)
        self._data_at = self._root_at + root_sectors * sector
        self._cluster_bytes = per_cluster * sector
        clusters = (count - self._data_at // sector) // per_cluster
        self._bits = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
        self._root_cluster = struct.unpack_from("<44xI", head)[0] if self._bits == 32 else 0

    def directory(self, cluster: int) -> bytes:
        """The entries of a directory; those of the root for 0."""
        if not cluster and self._bits != 32:
            return self._read(self._start + self._root_at, self._root_entries * _ENTRY)
        blocks: list[bytes] = []
        cluster = cluster or self._root_cluster
        last = (1 << min(self._bits, 28)) - 16
        while 2 <= cluster < last and self._left > 0:
            self._left -= self._cluster_bytes
            at = self._data_at + (cluster - 2) * self._cluster_bytes
            blocks.append(self._read(self._start + at, self._cluster_bytes))
            cluster = self._next(cluster)
        return b"".join(blocks)

    def _next(self, cluster: int) -> int:
        at = self._start + self._table_at + cluster * self._bits // 8
        raw = int.from_bytes(self._read(at, 4), "little")
        if self._bits == 12:
            return (raw >> (cluster & 1) * 4) & 0xFFF
        return raw & ((1 << min(self._bits, 28)) - 1)


def files(read: Read, start: int) -> tuple[str, ...]:
    """The paths, without a leading slash, of the file system that begins there; none for others."""
    try:
        volume = _Volume(read, start)
        found = []
        for path in _walked(volume, 0, "", _DEEPEST):
            found.append(path)
            if len(found) == _MOST_FILES:
                break
        return tuple(found)
    except (LookupError, struct.error, OverflowError):
        return ()


def _walked(volume: _Volume, cluster: int, above: str, deepest: int) -> Iterator[str]:
    for name, child, is_directory in _entries(volume.directory(cluster)):
        if not is_directory:
            yield f"{above}{name}"
        elif child and deepest:
            yield from _walked(volume, child, f"{above}{name}/", deepest - 1)


def _entries(raw: bytes) -> Iterator[tuple[str, int, bool]]:
    """(name, first cluster, whether it is a directory); long names win."""
    long = ""
    for at in range(0, len(raw) - _ENTRY + 1, _ENTRY):
        entry = raw[at : at + _ENTRY]
        kind = entry[11]
        if entry[0] == _END:
            return
        if entry[0] == _FREE:
            long = ""
        elif kind & 0x3F == _LONG:
            # They stand in reverse order, thirteen letters each.
            letters = entry[1:11] + entry[14:26] + entry[28:32]
            long = letters.decode("utf-16-le", "replace").split("\0")[0].rstrip("\uffff") + long
        elif kind & _VOLUME or entry[0] == _DOT:  # also the directory itself and the one above
            long = ""
        else:
            high, low = struct.unpack_from("<20xH4xH", entry)
            yield long or _short(entry), high << 16 | low, bool(kind & _DIRECTORY)
            long = ""


def _short(entry: bytes) -> str:
    stem, ending = (entry[part].decode("cp437").rstrip() for part in (slice(8), slice(8, 11)))
    return f"{stem}.{ending}".rstrip(".").lower()
