"""A raw image as qcow2, as publishers ship theirs: only what is not zero, in clusters of 64 KiB.

Layout: docs/interop/qcow2.rst of QEMU, version 3.
"""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = 1 << 16
ZEROS = bytes(CLUSTER)
ENTRIES = CLUSTER // 8
COPIED = 1 << 63
"""Of an entry: that nothing else refers to its cluster."""


def from_raw(raw: Path, out: Path) -> None:
    """Write the qcow2; the raw image's size must be whole clusters."""
    size = raw.stat().st_size
    tables = -(-size // (CLUSTER * ENTRIES))
    # Header, first-level table and second-level tables lie first, then data, then counts.
    l1_at, l2_at = CLUSTER, CLUSTER * (1 + -(-tables * 8 // CLUSTER))
    data_at = l2_at + tables * CLUSTER
    entries = [0] * (tables * ENTRIES)
    with raw.open("rb") as source, out.open("wb") as target:
        target.seek(data_at)
        for number in range(-(-size // CLUSTER)):
            block = source.read(CLUSTER)
            if block != ZEROS[: len(block)]:
                entries[number] = target.tell() | COPIED
                target.write(block.ljust(CLUSTER, b"\0"))
        used = target.tell() // CLUSTER
        counts_at, count_clusters = _write_counts(target, used)
        target.seek(l2_at)
        target.write(struct.pack(f">{len(entries)}Q", *entries))
        target.seek(l1_at)
        first = [(l2_at + number * CLUSTER) | COPIED for number in range(tables)]
        target.write(struct.pack(f">{tables}Q", *first))
        target.seek(0)
        target.write(_header(size, tables, l1_at, counts_at, count_clusters))


def _header(size: int, tables: int, l1_at: int, counts_at: int, count_clusters: int) -> bytes:
    fields = (b"QFI\xfb", 3, 0, 0, 16, size, 0, tables, l1_at, counts_at, count_clusters, 0, 0)
    return struct.pack(">4sIQIIQIIQQIIQ", *fields) + struct.pack(">QQQII", 0, 0, 0, 4, 104)


def _write_counts(target: IO[bytes], used: int) -> tuple[int, int]:
    """Each cluster is referred to once: 16 bits a cluster, in blocks that a table names."""
    per_block = CLUSTER // 2
    table = 1
    blocks = 1
    while blocks * per_block < used + table + blocks:
        blocks += 1
    total = used + table + blocks
    table_at = used * CLUSTER
    target.seek(table_at)
    places = [table_at + (table + number) * CLUSTER for number in range(blocks)]
    target.write(struct.pack(f">{blocks}Q", *places).ljust(CLUSTER, b"\0"))
    for number in range(blocks):
        here = min(per_block, total - number * per_block)
        target.write((b"\0\1" * here).ljust(CLUSTER, b"\0"))
    return table_at, table
