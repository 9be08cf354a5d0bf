"""qcow2 disks: what a header says and must not say, an empty overlay, and reading a few bytes.

An image from elsewhere may name any file of the host as its backing or data file, and QEMU would
show it to the guest: such images are refused here. (Layout: QEMU's docs/interop/qcow2.)
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from b2p.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.machine.model import DiskFormat

MAGIC = b"QFI\xfb"

_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
_HEADER_V3 = struct.Struct(">QQQII")
_HEADER_BYTES = _HEADER.size + _HEADER_V3.size
_EXTENSION = struct.Struct(">II")
_BACKING_FORMAT = 0xE2792ACA
_DATA_FILE = 0x44415441

_CORRUPT = 1 << 1
_EXTERNAL_DATA = 1 << 2
_COMPRESSION_TYPE = 1 << 3
_WIDE_L2 = 1 << 4
_KNOWN = 0b11111

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_OFFSET = 0x00FF_FFFF_FFFF_FE00
_COMPRESSED = 1 << 62
_ZERO = 1
_SECTOR = 512
_L1_CLUSTER_BYTES = _CLUSTER * (_CLUSTER // 8) * (_CLUSTER // 8)
_SIZE_AT = 24

MOST_BYTES = 16 << 40
"""Of a disk: its tables stay within one refcount block, and no laptop has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the beginning of a qcow2 file says of the rest."""

    version: int
    size: int
    """Bytes that the guest sees."""
    cluster_bits: int
    l1_offset: int
    l1_entries: int
    encrypted: bool
    backing: str
    """The file beneath, as it is named; empty where there is none."""
    backing_format: str
    incompatible: int
    data_file: str
    zstandard: bool


def header(file: BinaryIO, *, where: str) -> Header:
    """The header of a qcow2 file; UsageError where it is none that can be read."""
    file.seek(0)
    content = file.read(_CLUSTER)
    try:
        return _parsed(content)
    except (struct.error, ValueError, IndexError) as error:
        raise UsageError(
            f"{where!r} is not a qcow2 disk that can be used: {error}", "fetch it again"
        ) from error


def check_foreign(found: Header, *, where: str) -> None:
    """Raise UsageError for a disk from elsewhere that would reach for other files, or is locked."""
    problem = ""
    if found.backing:
        problem = f"it lies on another file, {found.backing!r}, which QEMU would open"
    elif found.data_file or found.incompatible & _EXTERNAL_DATA:
        problem = f"its content is in another file, {found.data_file!r}, which QEMU would open"
    elif found.encrypted:
        problem = "it is encrypted"
    elif found.incompatible & _CORRUPT:
        problem = "it is marked as corrupt"
    elif found.incompatible & ~_KNOWN:
        problem = "it needs a later QEMU"
    if problem:
        hint = "make a whole disk of it: qemu-img convert -O qcow2 FROM TO"
        raise UsageError(f"the disk {where!r} is refused: {problem}", hint)


def overlay(*, size: int, backing: str, backing_format: DiskFormat) -> bytes:
    """An empty qcow2 disk of `size` bytes that shows `backing` (an absolute path) beneath.

    What lies beyond the end of `backing` reads as zeros: that is how a disk is grown.
    """
    name = backing.encode()
    if not 0 < len(name) < 1024:
        raise UsageError(f"{backing!r} is too long a path for a disk's base", "use a shorter one")
    if not 0 < size <= MOST_BYTES:
        raise UsageError(f"a disk of {size} bytes cannot be", "give it at most 16TiB")
    size = -(-size // _SECTOR) * _SECTOR
    # Whole clusters of L1 entries, each for 4 TiB: a disk then grows by its size field alone.
    l1_clusters = -(-size // _L1_CLUSTER_BYTES)
    l1_entries = l1_clusters * _CLUSTER // 8
    extensions = _extension(_BACKING_FORMAT, backing_format.encode()) + _extension(0, b"")
    name_at = _HEADER_BYTES + len(extensions)
    first = _HEADER.pack(
        *(MAGIC, 3, name_at, len(name), _CLUSTER_BITS, size),
        *(0, l1_entries, 3 * _CLUSTER, _CLUSTER, 1, 0, 0),
    )
    # Header, refcount table, refcount block (each used once), then the L1 table: all unmapped.
    first += _HEADER_V3.pack(0, 0, 0, 4, _HEADER_BYTES) + extensions + name
    clusters = (
        first,
        struct.pack(">Q", 2 * _CLUSTER),
        struct.pack(">H", 1) * (3 + l1_clusters),
        *[b""] * l1_clusters,
    )
    return b"".join(cluster.ljust(_CLUSTER, b"\0") for cluster in clusters)


def grow(file: BinaryIO, size: int, *, where: str) -> None:
    """Make a disk that `overlay` made, and that no QEMU has open, `size` bytes large.

    Raises UsageError where its tables do not reach so far, or where it would shrink.
    """
    found = header(file, where=where)
    reach = found.l1_entries << 2 * found.cluster_bits - 3
    if size < found.size:
        raise UsageError(f"the disk {where!r} cannot become smaller", "give it a larger size")
    if size > reach:
        raise UsageError(f"the disk {where!r} cannot have more than {reach >> 40} TiB")
    file.seek(_SIZE_AT)
    file.write(struct.pack(">Q", -(-size // _SECTOR) * _SECTOR))


def read(file: BinaryIO, found: Header, offset: int, length: int) -> bytes:
    """Bytes as the guest sees them; what is not mapped, or beyond the end, reads as zeros."""
    cluster = 1 << found.cluster_bits
    pieces = []
    while length > 0:
        within = offset % cluster
        taken = min(length, cluster - within)
        whole = _cluster(file, found, offset // cluster) if offset < found.size else b""
        pieces.append(whole[within : within + taken].ljust(taken, b"\0"))
        offset, length = offset + taken, length - taken
    return b"".join(pieces)


def _parsed(content: bytes) -> Header:
    (magic, version, name_at, name_size, bits, size, crypt, l1_size, l1_at, *_) = (
        _HEADER.unpack_from(content)
    )
    if magic != MAGIC or version not in (2, 3):
        raise ValueError("its first bytes are others")
    if not 9 <= bits <= 21:
        raise ValueError(f"clusters of 2^{bits} bytes")
    incompatible, length = 0, _HEADER.size
    if version == 3:
        incompatible, _, _, _, length = _HEADER_V3.unpack_from(content, _HEADER.size)
    if name_size > 1023 or name_at + name_size > len(content):
        raise ValueError("its backing file's name lies outside")
    extensions = dict(_extensions(content, length))
    return Header(
        version=version,
        size=size,
        cluster_bits=bits,
        l1_offset=l1_at,
        l1_entries=l1_size,
        encrypted=crypt != 0,
        backing=content[name_at : name_at + name_size].decode("utf-8", "replace")
        if name_at
        else "",
        backing_format=extensions.get(_BACKING_FORMAT, b"").decode("ascii", "replace"),
        incompatible=incompatible,
        data_file=extensions.get(_DATA_FILE, b"").decode("utf-8", "replace"),
        zstandard=bool(incompatible & _COMPRESSION_TYPE) and content[_HEADER_BYTES] == 1,
    )


def _extensions(content: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset + _EXTENSION.size <= len(content):
        kind, length = _EXTENSION.unpack_from(content, offset)
        if kind == 0:
            return
        offset += _EXTENSION.size
        yield kind, content[offset : offset + length]
        offset += -(-length // 8) * 8


def _extension(kind: int, data: bytes) -> bytes:
    return _EXTENSION.pack(kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")


def _cluster(file: BinaryIO, found: Header, number: int) -> bytes:
    """One cluster of the guest's disk; shorter or empty where the rest is zeros."""
    width = 16 if found.incompatible & _WIDE_L2 else 8
    per_table = (1 << found.cluster_bits) // width
    if number // per_table >= found.l1_entries:
        return b""
    table = _entry(file, (found.l1_offset & _OFFSET) + number // per_table * 8) & _OFFSET
    if not table:
        return b""
    entry = _entry(file, table + number % per_table * width)
    if entry & _COMPRESSED:
        return _unpacked(file, found, entry)
    if entry & _ZERO or not entry & _OFFSET:
        return b""
    file.seek(entry & _OFFSET)
    return file.read(1 << found.cluster_bits)


def _entry(file: BinaryIO, offset: int) -> int:
    file.seek(offset)
    return int.from_bytes(file.read(8).ljust(8, b"\0"))


def _unpacked(file: BinaryIO, found: Header, entry: int) -> bytes:
    bits = 62 - (found.cluster_bits - 8)
    offset = entry & ((1 << bits) - 1)
    sectors = ((entry & (_COMPRESSED - 1)) >> bits) + 1
    file.seek(offset)
    packed = file.read(sectors * _SECTOR - offset % _SECTOR)
    cluster = 1 << found.cluster_bits
    if found.zstandard:
        import zstandard

        try:
            return zstandard.ZstdDecompressor().decompressobj().decompress(packed)[:cluster]
        except zstandard.ZstdError:
            return b""
    try:
        return zlib.decompressobj(-12).decompress(packed, cluster)
    except zlib.error:
        return b""
