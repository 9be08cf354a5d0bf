"""A raw disk as qcow2, as publishers ship theirs: only what is not zero, in clusters of 64 KiB.

Layout: docs/interop/qcow2.rst of QEMU, version 3. The same disk makes the same bytes.
"""

from __future__ import annotations

import struct
from typing import IO

from b2p.formats.qcow2 import MAGIC

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
ZEROS = bytes(CLUSTER)
ENTRIES = CLUSTER // 8
COPIED = 1 << 63
"""Of an entry: that nothing else refers to its cluster."""


def write(source: IO[bytes], out: IO[bytes], *, length: int, size: int) -> None:
    """Write a qcow2 of a disk of `size` bytes, of which `source` holds the first `length`.

    The rest reads as zeros. `out` is at its start, and can be sought in.
    """
    tables = -(-size // (CLUSTER * ENTRIES))
    # Header, first-level table and second-level tables lie first, then data, then counts.
    l1_at, l2_at = CLUSTER, CLUSTER * (1 + -(-tables * 8 // CLUSTER))
    data_at = l2_at + tables * CLUSTER
    entries = [0] * (tables * ENTRIES)
    out.seek(data_at)
    for number in range(-(-length // CLUSTER)):
        block = source.read(CLUSTER)
        if block != ZEROS[: len(block)]:
            entries[number] = out.tell() | COPIED
            out.write(block.ljust(CLUSTER, b"\0"))
    counts_at, count_clusters = _write_counts(out, out.tell() // CLUSTER)
    out.seek(l2_at)
    out.write(struct.pack(f">{len(entries)}Q", *entries))
    out.seek(l1_at)
    first = [(l2_at + number * CLUSTER) | COPIED for number in range(tables)]
    out.write(struct.pack(f">{tables}Q", *first))
    out.seek(0)
    out.write(_header(size, tables, l1_at, counts_at, count_clusters))


def _header(size: int, tables: int, l1_at: int, counts_at: int, count_clusters: int) -> bytes:
    fields = (MAGIC, 3, 0, 0, CLUSTER_BITS, size, 0, tables, l1_at, counts_at, count_clusters, 0, 0)
    return struct.pack(">4sIQIIQIIQQIIQ", *fields) + struct.pack(">QQQII", 0, 0, 0, 4, 104)


def _write_counts(out: IO[bytes], used: int) -> tuple[int, int]:
    """Each cluster is referred to once: 16 bits a cluster, in blocks that a table names."""
    per_block = CLUSTER // 2
    table = 1
    blocks = 1
    while blocks * per_block < used + table + blocks:
        blocks += 1
    total = used + table + blocks
    table_at = used * CLUSTER
    out.seek(table_at)
    places = [table_at + (table + number) * CLUSTER for number in range(blocks)]
    out.write(struct.pack(f">{blocks}Q", *places).ljust(CLUSTER, b"\0"))
    for number in range(blocks):
        here = min(per_block, total - number * per_block)
        out.write((b"\0\1" * here).ljust(CLUSTER, b"\0"))
    return table_at, table
