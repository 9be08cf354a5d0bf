"""Partition tables and labels, in disks made here byte by byte."""

from __future__ import annotations

import struct
import uuid

from b2p.formats import partitions

ROOT_X86 = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"


def gpt(*entries: tuple[str, str, int, int], boot_code: bytes = b"") -> bytearray:
    """A disk of 8 MiB; an entry is (type, name, first sector, last sector)."""
    disk = bytearray(8 << 20)
    disk[: len(boot_code)] = boot_code
    disk[446:462] = struct.pack("<4xB3xII", 0xEE, 1, 0xFFFF)
    disk[510:512] = b"\x55\xaa"
    disk[512:604] = struct.pack("<8s64xQII4x", b"EFI PART", 2, 128, 128)
    for number, (kind, name, first, last) in enumerate(entries):
        at = 1024 + number * 128
        disk[at : at + 16] = uuid.UUID(kind).bytes_le
        struct.pack_into("<QQ", disk, at + 32, first, last)
        raw = name.encode("utf-16-le")
        disk[at + 56 : at + 56 + len(raw)] = raw
    return disk


def table_of(disk: bytes | bytearray) -> partitions.Table:
    return partitions.table(lambda at, length: bytes(disk[at : at + length]).ljust(length, b"\0"))


def put_ext4(disk: bytearray, start: int, label: bytes) -> None:
    disk[start + 1080 : start + 1082] = b"\x53\xef"
    disk[start + 1144 : start + 1144 + len(label)] = label


def test_names_types_and_labels_of_a_gpt() -> None:
    disk = gpt((ESP, "EFI-SYSTEM", 2048, 4095), (ROOT_X86, "ROOT", 4096, 8191), boot_code=b"\xeb")
    disk[2048 * 512 + 510 : 2048 * 512 + 512] = b"\x55\xaa"
    disk[2048 * 512 + 71 : 2048 * 512 + 90] = b"ESP        FAT32   "
    put_ext4(disk, 4096 * 512, b"rootfs")
    found = table_of(disk)
    assert (found.scheme, found.boots_bios, found.arch) == ("gpt", True, "x86_64")
    assert [(one.name, one.kind, one.label) for one in found.partitions] == [
        ("EFI-SYSTEM", ESP, "ESP"),
        ("ROOT", ROOT_X86, "rootfs"),
    ]
    assert (found.partitions[0].start, found.partitions[0].size) == (1 << 20, 1 << 20)


def test_an_mbr_without_code_does_not_boot_a_bios() -> None:
    disk = bytearray(4 << 20)
    disk[446:462] = struct.pack("<4xB3xII", 0x83, 2048, 2048)
    disk[510:512] = b"\x55\xaa"
    put_ext4(disk, 1 << 20, b"boot2docker-data")
    found = table_of(disk)
    assert (found.scheme, found.boots_bios, found.arch) == ("mbr", False, None)
    (only,) = found.partitions
    assert (only.kind, only.label, only.size) == ("83", "boot2docker-data", 1 << 20)


def test_a_disk_without_a_table_has_none() -> None:
    assert table_of(bytes(1 << 20)) == partitions.Table(scheme="")
    assert table_of(b"") == partitions.Table(scheme="")


def test_labels_of_other_file_systems() -> None:
    xfs = b"XFSB".ljust(108, b"\0") + b"b2p-data"
    btrfs = bytearray(0x10400)
    btrfs[0x10040:0x10048] = b"_BHRfS_M"
    btrfs[0x1012B:0x10131] = b"fedora"
    for disk, label in ((xfs, "b2p-data"), (bytes(btrfs), "fedora"), (bytes(4096), "")):
        padded = disk.ljust(0x20000, b"\0")
        assert partitions.label(lambda at, n, padded=padded: padded[at : at + n]) == label  # type: ignore[misc]


def test_a_table_that_lies_about_its_entries_is_read_with_care() -> None:
    disk = gpt((ESP, "x", 2048, 4095))
    struct.pack_into("<II", disk, 512 + 80, 0xFFFFFFFF, 128)
    assert len(table_of(disk).partitions) >= 1
    struct.pack_into("<II", disk, 512 + 80, 128, 1)
    assert table_of(disk).partitions == ()
