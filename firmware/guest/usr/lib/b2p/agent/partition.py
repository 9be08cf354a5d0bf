"""A data partition that grows with its disk: the last one of a table of the MBR's kind."""

import os
import struct

import disk

SECTOR = 512
FIRST_ENTRY, ENTRY, ENTRIES = 446, 16, 4
KIND, START, COUNT = 4, 8, 12
MOST_SECTORS = (1 << 32) - 1
BLKPG, RESIZE = 0x1269, 3
PARTITION, REQUEST = struct.Struct("qqi132x"), struct.Struct("iiiP")
BLOCKS = "/sys/class/block"


def grow(device: str) -> None:
    """Let the partition reach to the end of its disk, where it is the last one on it."""
    place = f"{BLOCKS}/{device[5:]}"
    if not os.path.exists(f"{place}/partition"):
        return
    with open(f"{place}/partition") as file:
        number = int(file.read())
    whole = f"/dev/{os.path.basename(os.path.dirname(os.path.realpath(place)))}"
    with open(f"{BLOCKS}/{whole[5:]}/size") as file:
        sectors = int(file.read())
    with open(whole, "r+b", buffering=0) as file:
        first = file.read(SECTOR)
        wanted = grown(first, number, sectors)
        if wanted == first:
            return
        file.seek(0)
        file.write(wanted)
        os.fsync(file)
        _tell_kernel(file.fileno(), number, wanted)


def grown(first: bytes, number: int, sectors: int) -> bytes:
    """The first sector of a disk of so many sectors, with that partition reaching to its end.

    As it was where the partition is not the last one, or a few sectors would be won.
    """
    if first[510:] != b"\x55\xaa" or not 1 <= number <= ENTRIES:
        return first
    start, count = _field(first, number, START), _field(first, number, COUNT)
    ends = [_field(first, one, START) for one in range(1, ENTRIES + 1) if one != number]
    room = min(sectors, MOST_SECTORS) - start
    if any(other > start for other in ends) or room - count < disk.SPARE_BYTES // SECTOR:
        return first
    at = FIRST_ENTRY + (number - 1) * ENTRY + COUNT
    return first[:at] + room.to_bytes(4, "little") + first[at + 4 :]


def _tell_kernel(file: int, number: int, first: bytes) -> None:
    """Have the kernel know its new size (blkpg.h); raises OSError."""
    import ctypes
    import fcntl

    place = (_field(first, number, field) * SECTOR for field in (START, COUNT))
    described = ctypes.create_string_buffer(PARTITION.pack(*place, number))
    words = RESIZE, 0, PARTITION.size, ctypes.addressof(described)
    fcntl.ioctl(file, BLKPG, REQUEST.pack(*words))


def _field(first: bytes, number: int, offset: int) -> int:
    at = FIRST_ENTRY + (number - 1) * ENTRY + offset
    return int.from_bytes(first[at : at + 4], "little")
