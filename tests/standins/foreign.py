"""Bootable images that b2p's people did not make: ready in Debian's packages."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.formats import deb
from tests.standins import packages

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standins.workshop import Workshop

FILES = {
    "ipxe": ("ipxe.iso", "ipxe.lkrn"),
    "grub-rescue-pc": ("grub-rescue-cdrom.iso", "grub-rescue-floppy.img"),
    "memtest86+": ("memtest86+x64.iso", "memtest86+x64.bin"),
    "debian-installer-13-netboot-amd64": ("text/*/linux", "text/*/initrd.gz"),
}
"""What is taken of each package: ends of paths."""


@dataclass(frozen=True)
class Foreign:
    """Where they lie."""

    home: Path

    @property
    def ipxe(self) -> Path:
        """isolinux with iPXE; speaks on the serial port at once."""
        return self.home / "ipxe.iso"

    @property
    def grub_rescue(self) -> Path:
        """GRUB's shell on a CD, El Torito for a BIOS."""
        return self.home / "grub-rescue-cdrom.iso"

    @property
    def grub_floppy(self) -> Path:
        """The same as a raw disk."""
        return self.home / "grub-rescue-floppy.img"

    @property
    def memtest(self) -> Path:
        """A CD that never says anything on a serial port."""
        return self.home / "memtest86+x64.iso"

    @property
    def installer(self) -> tuple[Path, Path]:
        """Kernel and initrd of Debian's installer, which run in memory alone."""
        return self.home / "linux", self.home / "initrd.gz"


def foreign(workshop: Workshop) -> Foreign:
    """All of them, fetched where they are not there yet."""
    archive = workshop.supply.archive
    every = packages.chosen(archive, tuple(FILES), frozenset())
    wanted = [one for one in every if one.name in FILES]

    def make(out: Path) -> None:
        debs = archive.fetch(wanted, title="fetching images that others made")
        for name, ends in FILES.items():
            _take(debs[name], ends, out)

    return Foreign(workshop.kept("foreign", packages.digest(wanted, FILES), make))


def _take(package: Path, ends: tuple[str, ...], out: Path) -> None:
    for entry, data in deb.members(package):
        if data is not None and any(_ends(entry.name, end) for end in ends):
            with (out / entry.name.rpartition("/")[2]).open("wb") as file:
                shutil.copyfileobj(data, file)


def _ends(path: str, end: str) -> bool:
    """Whether the path ends so; with a star in it, whether it has the first part and the last."""
    first, star, last = end.rpartition("*")
    return path.endswith(f"/{end}") or bool(star and f"/{first}" in path and path.endswith(last))
