"""qcow2: what is refused, what an overlay says, and bytes read through its tables."""

from __future__ import annotations

import io
import struct
import zlib

import pytest

from b2p.errors import UsageError
from b2p.formats import qcow2

CLUSTER = 1 << 16


def header_of(content: bytes) -> qcow2.Header:
    return qcow2.header(io.BytesIO(content), where="disk.qcow2")


def empty(size: int = 1 << 30) -> bytearray:
    """A disk without a base, made of an overlay."""
    content = bytearray(qcow2.overlay(size=size, backing="/base", backing_format="raw"))
    struct.pack_into(">QI", content, 8, 0, 0)
    return content


def test_an_overlay_says_what_it_was_made_with() -> None:
    content = qcow2.overlay(size=100 << 30, backing="/cache/ä,b.img", backing_format="raw")
    found = header_of(content)
    assert (found.version, found.size, found.cluster_bits) == (3, 100 << 30, 16)
    assert (found.backing, found.backing_format) == ("/cache/ä,b.img", "raw")
    assert found.l1_entries == 8192
    assert len(content) == 4 * CLUSTER


def test_every_cluster_of_an_overlay_is_counted_once() -> None:
    content = qcow2.overlay(size=16 << 40, backing="/b", backing_format="qcow2")
    clusters = len(content) // CLUSTER
    counts = struct.unpack_from(f">{CLUSTER // 2}H", content, 2 * CLUSTER)
    assert counts == (1,) * clusters + (0,) * (CLUSTER // 2 - clusters)
    assert header_of(content).l1_entries * 8 <= (clusters - 3) * CLUSTER


def test_a_size_is_rounded_up_to_sectors() -> None:
    assert header_of(qcow2.overlay(size=1000, backing="/b", backing_format="raw")).size == 1024


@pytest.mark.parametrize("size", [0, (16 << 40) + 1])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        qcow2.overlay(size=size, backing="/b", backing_format="raw")


def test_an_image_that_names_another_file_is_refused() -> None:
    found = header_of(qcow2.overlay(size=512, backing="/etc/shadow", backing_format="raw"))
    with pytest.raises(UsageError, match="/etc/shadow"):
        qcow2.check_foreign(found, where="disk.qcow2")


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (72, struct.pack(">Q", 4), "another file"),
        (72, struct.pack(">Q", 2), "corrupt"),
        (72, struct.pack(">Q", 1 << 20), "later QEMU"),
        (32, struct.pack(">I", 2), "encrypted"),
    ],
)
def test_images_with_traps_are_refused(offset: int, value: bytes, reason: str) -> None:
    content = empty()
    content[offset : offset + len(value)] = value
    with pytest.raises(UsageError, match=reason):
        qcow2.check_foreign(header_of(bytes(content)), where="x")


def test_a_data_file_is_named_in_the_refusal() -> None:
    content = empty()
    struct.pack_into(">II8s", content, 104, 0x44415441, 8, b"/dev/sda")
    with pytest.raises(UsageError, match="/dev/sda"):
        qcow2.check_foreign(header_of(bytes(content)), where="x")


def test_an_ordinary_image_passes() -> None:
    qcow2.check_foreign(header_of(bytes(empty())), where="x")


@pytest.mark.parametrize("content", [b"", b"QFI\xfb", b"not one" * 40, b"QFI\xfb" + bytes(200)])
def test_what_is_no_qcow2_is_told_in_a_line(content: bytes) -> None:
    with pytest.raises(UsageError, match=r"disk\.qcow2"):
        header_of(content)


def test_bytes_are_found_through_the_tables() -> None:
    content = empty()
    table, data = len(content), len(content) + CLUSTER
    content += bytes(2 * CLUSTER)
    struct.pack_into(">Q", content, 3 * CLUSTER, 1 << 63 | table)
    struct.pack_into(">Q", content, table, 1 << 63 | data)
    content[data : data + 4] = b"boot"
    packed = zlib.compressobj(9, zlib.DEFLATED, -12)
    stream = packed.compress(b"packed".ljust(CLUSTER, b"!")) + packed.flush()
    at = len(content)
    content += stream.ljust(1024, b"\0")
    # 62 - (16 - 8) = 54 bits of offset, then the number of further sectors.
    struct.pack_into(">Q", content, table + 16, 1 << 62 | 1 << 54 | at)
    file = io.BytesIO(bytes(content))
    found = qcow2.header(file, where="x")
    assert qcow2.read(file, found, 0, 6) == b"boot\0\0"
    assert qcow2.read(file, found, CLUSTER - 2, 4) == bytes(4)
    assert qcow2.read(file, found, 2 * CLUSTER - 2, 8) == b"\0\0packed"
    assert qcow2.read(file, found, 3 * CLUSTER - 1, 2) == b"!\0"
    assert qcow2.read(file, found, found.size - 1, 2) == bytes(2)
    assert qcow2.read(file, found, 1 << 60, 2) == bytes(2)


def test_tables_that_lead_nowhere_read_as_zeros() -> None:
    content = empty()
    struct.pack_into(">Q", content, 3 * CLUSTER, 1 << 50)
    file = io.BytesIO(bytes(content))
    assert qcow2.read(file, qcow2.header(file, where="x"), 0, 512) == bytes(512)


def test_a_disk_grows_by_its_size_alone() -> None:
    content = qcow2.overlay(size=1 << 30, backing="/b", backing_format="raw")
    file = io.BytesIO(content)
    qcow2.grow(file, (4 << 40) - 1, where="x")
    assert qcow2.header(file, where="x").size == 4 << 40
    file.seek(0)
    assert file.read(24) + file.read()[8:] == content[:24] + content[32:]
    with pytest.raises(UsageError, match="smaller"):
        qcow2.grow(file, 1 << 30, where="x")
    with pytest.raises(UsageError, match="more than 4 TiB"):
        qcow2.grow(file, (4 << 40) + 1, where="x")
