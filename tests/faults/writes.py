"""What a disk was told, write by write, and what a loss of power leaves of it.

QEMU's filter blklogwrites writes the log; its format is dm-log-writes' (Linux,
Documentation/admin-guide/device-mapper/log-writes.rst): a superblock, then entries of one sector
and their data. A disk may lose any write that no flush has followed.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECTOR = 512
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4

STARTER = """\
#!/usr/bin/env python3
# QEMU, with all writes to the data disk logged.
import os, sys
command, log = {command}, {log!r}
words = sys.argv[1:]
for at, word in enumerate(words):
    if "node-name=b2p-data," in word:
        file = ",".join("file." + one for one in word[word.index("file.driver=file,"):].split(","))
        words[at] = (
            "driver=blklogwrites,node-name=b2p-data,log-sector-size=512,file.driver=raw,"
            + file + ",log.driver=file,log.filename=" + log
        )
        open(log, "wb").truncate(4 << 30)
os.execv(command[0], [*command, *words])
"""


def starter(place: Path, command: list[str], log: Path) -> Path:
    """A program that stands in for QEMU and logs the writes of the machine's data disk."""
    place.write_text(STARTER.format(command=json.dumps(command), log=str(log)))
    place.chmod(0o755)
    return place


@dataclass(frozen=True)
class Write:
    """What was to be at an offset; at the disk for good if it was, with FUA, or a flush."""

    offset: int
    data: bytes
    flags: int


def logged(log: Path) -> list[Write]:
    """All that was told to the disk, a flush being a write of nothing; the last may be cut off."""
    found = []
    with log.open("rb") as file:
        magic, version, _, size = struct.unpack("<QQQI", file.read(28))
        assert (magic, version, size) == (MAGIC, 1, SECTOR)
        file.seek(SECTOR)
        while len(head := file.read(SECTOR)) == SECTOR:
            sector, count, flags, _ = struct.unpack_from("<QQQQ", head)
            if not (count or flags):
                break
            length = 0 if flags & DISCARD else count * SECTOR
            data = file.read(length)
            if len(data) == length:
                found.append(Write(sector * SECTOR, data, flags))
    return found


def applied(disk: Path, writes: Iterable[Write]) -> None:
    """Have a disk as it was, with these writes."""
    with disk.open("r+b") as file:
        for one in writes:
            file.seek(one.offset)
            file.write(one.data)
