"""ISO images that boot: by a BIOS and by UEFI, as a CD and (hybrid) as a disk (pycdlib).

The same files make the same bytes: every date is the one that is handed in.
Layouts: ECMA-119, El Torito 1.0, IEEE P1282 (Rock Ridge); the hybrid's first sector is syslinux'.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

SECTOR, BLOCK = 512, 2048
ALIGNED = 1 << 20
"""A disk's partitions begin at such offsets, and some firmware wants whole ones of a stick."""
_DESCRIPTOR = 16 * BLOCK
_DATES_AT = 813
"""Of the primary volume descriptor: four dates of 17 bytes."""
_LOADER_AT, _SERIAL_AT, _TABLE_AT = 432, 440, 446
_NO_KIND, _EFI = 0x00, 0xEF
_LINUX = 0x83
_ENTRY = struct.Struct("<B3sB3sII")
_BEYOND = b"\xff\xff\xff"
"""Cylinder, head and sector of what no BIOS could name so: the sectors' numbers count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """What starts the medium."""

    bios: str
    """The path of isolinux.bin in the ISO."""
    uefi: str
    """The path of a FAT file system in it."""
    catalog: str
    first_sector: bytes
    """Code that starts `bios` from a disk: isohdpfx.bin, at most 432 bytes."""


def write(
    out: BinaryIO,
    files: Mapping[str, tuple[BinaryIO, int]],
    *,
    label: str,
    boot: Boot,
    date: datetime,
    serial: int,
) -> int:
    """Write an ISO with these files: path ("boot/kernel") -> where it is read, and its size.

    Returns its size, whole MiB. `date` is UTC, `serial` the disk's, of 32 bits.
    """
    import pycdlib

    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=3, rock_ridge="1.09", vol_ident=label)
    names = _Names()
    for folder in sorted({part for path in (*files, boot.catalog) for part in _folders(path)}):
        disc.add_directory(names.of(folder), rr_name=folder.rpartition("/")[2])
    for path, (content, size) in files.items():
        disc.add_fp(content, size, f"{names.of(path)};1", rr_name=path.rpartition("/")[2])
    catalog = f"{names.of(boot.catalog)};1"
    rr_name = boot.catalog.rpartition("/")[2]
    bios, uefi = (f"{names.of(path)};1" for path in (boot.bios, boot.uefi))
    disc.add_eltorito(bios, catalog, rr_bootcatname=rr_name, boot_load_size=4, boot_info_table=True)
    uefi_sectors = files[boot.uefi][1] // SECTOR
    disc.add_eltorito(uefi, boot_load_size=uefi_sectors, platform_id=_EFI, efi=True)
    disc.force_consistency()
    for record in _records(disc):
        _date(record, date)
    where = {path: disc.get_record(iso_path=path).extent_location() for path in (bios, uefi)}
    disc.write_fp(out)
    disc.close()
    out.seek(_DESCRIPTOR + _DATES_AT)
    out.write(_long(date) * 2 + b"0" * 16 + b"\0" + _long(date))
    end = out.seek(0, 2)
    out.write(bytes(-end % ALIGNED))
    size = end + -end % ALIGNED
    out.seek(0)
    uefi_at = where[uefi] * (BLOCK // SECTOR)
    out.write(_first_sector(boot, where[bios], serial, size, (uefi_at, uefi_sectors)))
    return size


def with_partition(first: bytes, *, start: int, size: int) -> bytes:
    """The first sector of such a medium, with a third partition (in bytes) for a Linux."""
    entry = _entry(_LINUX, start // SECTOR, size // SECTOR)
    at = _TABLE_AT + 2 * _ENTRY.size
    return first[:at] + entry + first[at + _ENTRY.size :]


def _first_sector(boot: Boot, loader: int, serial: int, size: int, uefi: tuple[int, int]) -> bytes:
    code = boot.first_sector[:_LOADER_AT].ljust(_LOADER_AT, b"\0")
    code += struct.pack("<QIH", loader * (BLOCK // SECTOR), serial & 0xFFFFFFFF, 0)
    # Of no kind: UEFI passes over a table whose partitions lie on one another, but over this one
    # alone if it is of no kind; a BIOS looks at its mark of being active.
    whole = _entry(_NO_KIND, 0, size // SECTOR, active=True)
    table = whole + _entry(_EFI, *uefi)
    return (code + table).ljust(510, b"\0") + b"\x55\xaa"


def _entry(kind: int, start: int, sectors: int, *, active: bool = False) -> bytes:
    sectors = min(sectors, 0xFFFFFFFF)
    return _ENTRY.pack(0x80 if active else 0, _BEYOND, kind, _BEYOND, start, sectors)


def _records(disc: Any) -> Iterator[Any]:
    """Each directory record, those that stand for a folder and the one above too."""
    folders = [disc.pvd.root_directory_record()]
    while folders:
        folder = folders.pop()
        yield folder
        for record in folder.children:
            if record.is_dir() and not record.is_dot() and not record.is_dotdot():
                folders.append(record)
            else:
                yield record


def _date(record: Any, date: datetime) -> None:
    """Have the record, with its Rock Ridge part, bear that date."""
    from pycdlib.dates import DirectoryRecordDate

    fixed = DirectoryRecordDate()
    fixed.parse(bytes([date.year - 1900, *date.timetuple()[1:6], 0]))
    record.date = fixed
    if record.rock_ridge is None:
        return
    for entries in (record.rock_ridge.dr_entries, record.rock_ridge.ce_entries):
        stamp = getattr(entries, "tf_record", None)
        if stamp is not None:
            for kind in ("creation", "access", "modification", "attribute_change"):
                if getattr(stamp, f"{kind}_time") is not None:
                    setattr(stamp, f"{kind}_time", fixed)


def _long(date: datetime) -> bytes:
    return f"{date:%Y%m%d%H%M%S}00".encode() + b"\0"


class _Names:
    """ISO 9660's own names, eight letters and three: isolinux reads those, others Rock Ridge's."""

    def of(self, path: str) -> str:
        return "/" + "/".join(map(self._short, path.split("/")))

    def _short(self, name: str) -> str:
        stem, _, ending = name.upper().lstrip(".").replace("-", "_").partition(".")
        return f"{stem[:8]}.{ending[:3]}" if ending else stem[:8]


def _folders(path: str) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])


def of_bytes(content: bytes) -> tuple[BinaryIO, int]:
    """As `write` wants a file that is in memory."""
    return io.BytesIO(content), len(content)
