"""ISOs that boot, read back by b2p's own readers."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p.formats import fat, fat_writer, iso9660, iso_writer, partitions
from tests.formats.test_fat import reader

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DATE = datetime(2025, 8, 9, 1, 2, 3, tzinfo=UTC)
ESP = fat_writer.image({"EFI/BOOT/BOOTX64.EFI": b"loader"}, serial=1)
FILES = {
    "isolinux/isolinux.bin": b"\x7f" * 4096,
    "boot/efi.img": ESP,
    "boot/grub/x86_64-efi/grub.cfg": b"menu",
    ".disk/info": b"b2p",
}
BOOT = iso_writer.Boot(
    bios="isolinux/isolinux.bin",
    uefi="boot/efi.img",
    catalog="isolinux/boot.cat",
    first_sector=b"code".ljust(440, b"\xcc"),
)


def written() -> bytes:
    out = io.BytesIO()
    files = {path: iso_writer.of_bytes(content) for path, content in FILES.items()}
    size = iso_writer.write(out, files, label="B2P_1", boot=BOOT, date=DATE, serial=0x01020304)
    assert size == len(out.getvalue())
    return out.getvalue()


def test_its_files_have_their_real_names(tmp_path: Path) -> None:
    path = tmp_path / "x.iso"
    path.write_bytes(written())
    with iso9660.opened(path) as iso:
        assert set(iso.files) == {f"/{name}" for name in (*FILES, "isolinux/boot.cat")}
        assert iso.read("/.disk/info", limit=10) == b"b2p"
    with path.open("rb") as file:
        assert iso9660.label(file) == "B2P_1"
        assert iso9660.firmwares(file) == {"bios", "uefi"}


def test_as_a_disk_it_starts_the_same_loaders() -> None:
    image = written()
    assert len(image) % iso_writer.ALIGNED == 0
    assert image[:432] == BOOT.first_sector[:432]
    sector, serial = struct.unpack_from("<QI", image, 432)
    # Beside its own table, which the ISO's writer lays into it, the loader is as it came.
    assert image[sector * 512 + 64 :][:100] == FILES["isolinux/isolinux.bin"][64:164]
    assert serial == 0x01020304
    table = partitions.table(reader(image))
    assert table.boots_bios
    (esp,) = table.partitions
    assert (esp.kind, esp.size) == ("ef", len(ESP))
    assert fat.files(reader(image), esp.start) == ("efi/boot/bootx64.efi",)


def test_uefi_takes_the_table_for_a_good_one() -> None:
    """Partitions of a kind must not lie on one another (EDK2's PartitionValidMbr)."""
    first = iso_writer.with_partition(written()[:512], start=1 << 20, size=1 << 30)
    entries = [first[446 + 16 * number :][:16] for number in range(4)]
    kinds = [entry[4] for entry in entries]
    assert kinds == [0, 0xEF, 0x83, 0]
    assert entries[0][0] == 0x80
    spans = [struct.unpack_from("<II", entry, 8) for entry in entries[1:3]]
    assert spans[0][0] + spans[0][1] <= spans[1][0]
    assert spans[1] == ((1 << 20) // 512, (1 << 30) // 512)
    assert first[510:] == b"\x55\xaa"


def test_the_same_files_make_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before = written()
    monkeypatch.setattr("time.time", lambda: 1.0)
    assert written() == before
