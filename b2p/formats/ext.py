"""A single file read out of an ext2, 3 or 4, such as the os-release that tells whose disk it is."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]
    """(offset, length) -> bytes of the disk."""

_ROOT = 2
_IS_64_BIT = 0x80
_HAS_EXTENTS = 0x80000
_IS_INLINE = 0x10000000
_DIRECTORY, _FILE = 0x4000, 0x8000
_KIND = 0xF000
_LARGEST = 1 << 20
"""Bytes of a file or a directory that are looked at; what is asked for is small."""
_DEEPEST = 5
"""Levels that a tree of extents may have."""
_BLOCK_SIZES = range(7)
"""Powers of two that a kilobyte may be multiplied by."""


@dataclass(frozen=True, slots=True)
class _Inode:
    kind: int
    size: int
    flags: int
    blocks: bytes


class _Volume:
    def __init__(self, read: Read, start: int) -> None:
        self._read = read
        self._start = start
        head = read(start + 1024, 1024)
        magic, exponent = struct.unpack_from("<56xH", head)[0], struct.unpack_from("<24xI", head)[0]
        if magic != 0xEF53 or exponent not in _BLOCK_SIZES:
            raise LookupError
        self.block_bytes = 1024 << exponent
        self._first_block = struct.unpack_from("<20xI", head)[0]
        self._inodes_per_group = struct.unpack_from("<40xI", head)[0]
        revision = struct.unpack_from("<76xI", head)[0]
        self._inode_bytes = struct.unpack_from("<88xH", head)[0] if revision else 128
        is_wide = bool(struct.unpack_from("<96xI", head)[0] & _IS_64_BIT)
        self._group_bytes = struct.unpack_from("<254xH", head)[0] if is_wide else 32
        if not self._inodes_per_group or self._inode_bytes < 128 or self._group_bytes < 32:
            raise LookupError

    def block(self, number: int) -> bytes:
        """One block."""
        return self._read(self._start + number * self.block_bytes, self.block_bytes)

    def inode(self, number: int) -> _Inode:
        """What a file is and where it lies."""
        group, index = divmod(number - 1, self._inodes_per_group)
        table_at = (self._first_block + 1) * self.block_bytes + group * self._group_bytes
        entry = self._read(self._start + table_at, self._group_bytes)
        (table,) = struct.unpack_from("<8xI", entry)
        if self._group_bytes >= 64:
            table |= struct.unpack_from("<40xI", entry)[0] << 32
        at = table * self.block_bytes + index * self._inode_bytes
        raw = self._read(self._start + at, 128)
        mode, size, flags = struct.unpack_from("<H2xI24xI", raw)
        (high,) = struct.unpack_from("<108xI", raw)
        whole = size if mode & _KIND == _DIRECTORY else size | high << 32
        return _Inode(mode & _KIND, whole, flags, raw[40:100])

    def content(self, inode: _Inode) -> bytes:
        """A small file's bytes; LookupError where it is none."""
        if inode.size > _LARGEST or inode.flags & _IS_INLINE:
            raise LookupError
        count = -(-inode.size // self.block_bytes)
        found = dict(self._places(inode, count))
        empty = bytes(self.block_bytes)
        blocks = (self.block(found[one]) if found.get(one) else empty for one in range(count))
        return b"".join(blocks)[: inode.size]

    def _places(self, inode: _Inode, count: int) -> Iterator[tuple[int, int]]:
        """(block of the file, block of the disk) of the first `count` ones."""
        if inode.flags & _HAS_EXTENTS:
            yield from self._extents(inode.blocks, count, _DEEPEST)
            return
        direct = struct.unpack("<12I", inode.blocks[:48])
        yield from enumerate(direct)
        (indirect,) = struct.unpack_from("<48xI", inode.blocks)
        if count > len(direct) and indirect:
            width = self.block_bytes // 4
            yield from enumerate(struct.unpack(f"<{width}I", self.block(indirect)), len(direct))

    def _extents(self, node: bytes, count: int, deepest: int) -> Iterator[tuple[int, int]]:
        magic, entries, _, depth = struct.unpack_from("<4H", node)
        if magic != 0xF30A or depth > deepest:
            raise LookupError
        for at in range(12, min(12 + entries * 12, len(node) - 11), 12):
            if depth:
                low, high = struct.unpack_from("<4xIH", node, at)
                yield from self._extents(self.block(low | high << 32), count, depth - 1)
                continue
            first, length, high, low = struct.unpack_from("<IHHI", node, at)
            # Above that it is room that was never written to.
            for number in range(min(length, 0x8000, max(0, count - first))):
                yield first + number, (low | high << 32) + number


def read_file(read: Read, start: int, path: str) -> bytes | None:
    """The file of the file system that begins there; None where there is none, or no ext at all.

    Links are not followed, and nothing large is read.
    """
    try:
        volume = _Volume(read, start)
        inode = volume.inode(_ROOT)
        for name in path.strip("/").split("/"):
            if inode.kind != _DIRECTORY:
                return None
            number = _names(volume.content(inode)).get(name.encode())
            if not number:
                return None
            inode = volume.inode(number)
        return volume.content(inode) if inode.kind == _FILE else None
    except (LookupError, struct.error, OverflowError, MemoryError):
        return None


def _names(directory: bytes) -> dict[bytes, int]:
    found = {}
    at = 0
    while at + 8 <= len(directory):
        number, length, width = struct.unpack_from("<IHB", directory, at)
        if length < 8:
            break
        found[directory[at + 8 : at + 8 + width]] = number
        at += length
    return found
