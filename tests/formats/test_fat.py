"""Names read out of FATs that are made here, sector by sector."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.formats import fat

SECTOR = 512
START = 1 << 20


def reader(disk: bytes) -> fat.Read:
    return lambda at, length: disk[at : at + length].ljust(length, b"\0")


def entry(short: bytes, kind: int, cluster: int) -> bytes:
    return struct.pack("<11sB8xH4xHI", short, kind, cluster >> 16, cluster & 0xFFFF, 0)


def long_entries(name: str, short: bytes, kind: int, cluster: int) -> bytes:
    """The entries of a long name, last piece first, and then the short one."""
    raw = (name + "\0").encode("utf-16-le")
    raw = raw.ljust(-(-len(raw) // 26) * 26, b"\xff")
    pieces = [raw[at : at + 26] for at in range(0, len(raw), 26)]
    found = b""
    for number, piece in reversed(list(enumerate(pieces, 1))):
        order = number | (0x40 if number == len(pieces) else 0)
        found += bytes([order]) + piece[:10] + b"\x0f\0\0" + piece[10:22] + b"\0\0" + piece[22:]
    return found + entry(short, kind, cluster)


def volume(bits: int) -> bytes:
    """FLATCAR/vmlinuz-a, EFI/BOOT/bootx64.efi, in a directory of two clusters."""
    clusters = {12: 100, 16: 5000, 32: 66000}[bits]
    root_entries = 0 if bits == 32 else 16
    table_sectors = -(-(clusters + 2) * bits // 8 // SECTOR)
    head = bytearray(SECTOR)
    struct.pack_into("<HBHBHHBH", head, 11, SECTOR, 1, 1, 1, root_entries, 0, 0, 0)
    sectors = 1 + table_sectors + root_entries * 32 // SECTOR + clusters
    struct.pack_into("<I", head, 32, sectors)
    struct.pack_into("<I" if bits == 32 else "<H", head, 36 if bits == 32 else 22, table_sectors)
    struct.pack_into("<I", head, 44, 6 if bits == 32 else 0)
    head[510:512] = b"\x55\xaa"
    links = {2: 5, 5: (1 << min(bits, 28)) - 1}
    links |= dict.fromkeys((3, 4, 6), (1 << min(bits, 28)) - 1)
    table = 0
    for number, link in links.items():
        table |= link << number * bits
    root = b"".join(
        [
            entry(b"EFI-SYSTEM ", 0x08, 0),
            b"\xe5" + entry(b"GONE    TXT", 0x20, 9)[1:],
            entry(b"FLATCAR    ", 0x10, 2),
            entry(b"EFI        ", 0x10, 3),
        ]
    )
    folders = {
        2: (entry(b".          ", 0x10, 2) + entry(b"..         ", 0x10, 0)).ljust(SECTOR, b"\xe5"),
        3: entry(b"BOOT       ", 0x10, 4),
        4: entry(b"BOOTX64 EFI", 0x20, 7),
        5: long_entries("vmlinuz-a", b"VMLINU~1   ", 0x20, 8),
        6: root,
    }
    data = b"".join(folders[number].ljust(SECTOR, b"\0") for number in range(2, 7))
    fixed = root.ljust(root_entries * 32, b"\0") if root_entries else b""
    tables = table.to_bytes(table_sectors * SECTOR, "little")
    return bytes(START) + bytes(head) + tables + fixed + data


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_all_files_have_their_paths(bits: int) -> None:
    found = fat.files(reader(volume(bits)), START)
    assert found == ("flatcar/vmlinuz-a", "efi/boot/bootx64.efi")


@pytest.mark.parametrize("content", [b"", b"\xff" * 4096, bytes(4096)])
def test_another_file_system_has_none(content: bytes) -> None:
    assert fat.files(reader(content), 0) == ()


@given(st.binary(min_size=8, max_size=64), st.integers(0, 4000))
def test_damage_reads_as_something_or_nothing(noise: bytes, at: int) -> None:
    spoiled = bytearray(volume(16))
    spoiled[START + at : START + at + len(noise)] = noise
    assert isinstance(fat.files(reader(bytes(spoiled)), START), tuple)
