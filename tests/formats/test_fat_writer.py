"""FAT file systems read back by b2p's own reader, and by the chains in their tables."""

from __future__ import annotations

import struct

import pytest

from b2p.formats import fat, fat_writer, partitions
from tests.formats.test_fat import reader

FILES = {
    "EFI/BOOT/BOOTX64.EFI": b"shim" * 5000,
    "EFI/BOOT/GRUBX64.EFI": b"grub" * 1500 + b"end",
    "EFI/B2P/IMAGE.TXT": b"b2p\n",
    "EMPTY.TXT": b"",
}


def content(image: bytes, name: bytes) -> bytes:
    """A file's bytes, by its directory entry and the chain of its clusters (FAT12)."""
    (reserved, tables, entries, per_table) = struct.unpack_from("<14xHBH3xH", image)
    table = image[reserved * 512 :]
    data_at = (reserved + tables * per_table) * 512 + entries * 32
    at = image.index(name)
    cluster, size = struct.unpack_from("<26xHI", image, at)
    found = b""
    while cluster and cluster < 0xFF8:
        found += image[data_at + (cluster - 2) * 2048 :][:2048]
        pair = int.from_bytes(table[cluster * 3 // 2 :][:2], "little")
        cluster = pair >> 4 if cluster % 2 else pair & 0xFFF
    return found[:size]


def test_files_and_folders_are_read_back() -> None:
    image = fat_writer.image(FILES, serial=7)
    assert set(fat.files(reader(image), 0)) == {name.lower() for name in FILES}
    assert partitions.label(reader(image)) == "B2P"
    assert content(image, b"BOOTX64 EFI") == FILES["EFI/BOOT/BOOTX64.EFI"]
    assert content(image, b"GRUBX64 EFI") == FILES["EFI/BOOT/GRUBX64.EFI"]
    assert content(image, b"EMPTY   TXT") == b""
    assert len(image) % 512 == 0


def test_both_tables_say_the_same() -> None:
    image = fat_writer.image(FILES, serial=7)
    (size,) = struct.unpack_from("<22xH", image)
    assert image[512 : 512 + size * 512] == image[512 + size * 512 : 512 + 2 * size * 512]


def test_the_same_files_make_the_same_bytes() -> None:
    turned = dict(reversed(FILES.items()))
    assert fat_writer.image(FILES, serial=7) == fat_writer.image(turned, serial=7)
    assert fat_writer.image(FILES, serial=7) != fat_writer.image(FILES, serial=8)


@pytest.mark.parametrize("name", ["lower.txt", "TOOLONGNAME.EFI", "A.LONG", ""])
def test_a_name_that_has_no_short_form_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="short name"):
        fat_writer.image({name: b""}, serial=0)


def test_what_is_too_much_is_refused() -> None:
    with pytest.raises(ValueError, match="too much"):
        fat_writer.image({"A": bytes(9 << 20)}, serial=0)
    with pytest.raises(ValueError, match="too many"):
        fat_writer.image({f"D/{number:08}": b"" for number in range(70)}, serial=0)
