"""Reads newc archives, strictly, so that what is written can be looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    name: str
    inode: int
    mode: int
    uid: int
    gid: int
    links: int
    mtime: int
    device: tuple[int, int]
    data: bytes


def read(archive: bytes) -> list[Entry]:
    """All entries before the trailer; fails when the layout is not the kernel's."""
    entries: list[Entry] = []
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        numbers = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        inode, mode, uid, gid, links, mtime, size, _, _, major, minor, length, check = numbers
        assert check == 0
        name = archive[at + 110 : at + 110 + length]
        assert name.endswith(b"\0")
        start = at + 110 + length + -(110 + length) % 4
        at = start + size + -size % 4
        assert at % 4 == 0
        if name == b"TRAILER!!!\0":
            assert not archive[at:].strip(b"\0")
            return entries
        path = name[:-1].decode("utf-8", "surrogateescape")
        data = archive[start : start + size]
        entries.append(Entry(path, inode, mode, uid, gid, links, mtime, (major, minor), data))
