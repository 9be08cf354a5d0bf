"""Copies of large sparse files: by reference where the file system can, else what is in them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FICLONE = 0x40049409
"""Linux's ioctl by which one file takes over another's blocks, until either is written to."""
PIECE = 4 << 20
PRIVATE = 0o600
"""Disks and memory are nobody else's, whatever the umask."""


def blank(path: Path, size: int) -> None:
    """A new file of that many zeros, which takes no room; raises OSError."""
    with path.open("xb") as file:
        os.fchmod(file.fileno(), PRIVATE)
        file.truncate(size)


def copy(source: Path, target: Path) -> None:
    """Copy a file to one that was not there; raises OSError, and leaves nothing then."""
    with source.open("rb") as origin, target.open("xb") as copied:
        try:
            os.fchmod(copied.fileno(), PRIVATE)
            if not _taken_over(origin.fileno(), copied.fileno()):
                fill(copied.fileno(), origin.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                target.unlink()
            raise


def in_memory(size: int) -> int:
    """The descriptor of a new file that lies in memory (Linux); whoever has it closes it."""
    descriptor = os.memfd_create("b2p-memory")
    os.ftruncate(descriptor, size)
    return descriptor


def fill(target: int, source: int) -> None:
    """Bring what is in one file to the same places of a blank one; raises OSError."""
    os.ftruncate(target, os.fstat(source).st_size)
    for begin, end in pieces(source):
        os.lseek(target, begin, os.SEEK_SET)
        at = begin
        while at < end:
            at += _moved(target, source, at, end - at)


def _taken_over(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def pieces(source: int) -> Iterator[tuple[int, int]]:
    """Where the file holds something: beginnings and ends."""
    at = 0
    while True:
        try:
            begin = os.lseek(source, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(source, begin, os.SEEK_HOLE)
        yield begin, at


def _moved(target: int, source: int, at: int, count: int) -> int:
    """How many bytes went to the target, whose position is `at`."""
    if sys.platform == "linux":
        return os.sendfile(target, source, at, count)
    return os.write(target, os.pread(source, min(count, PIECE), at))
