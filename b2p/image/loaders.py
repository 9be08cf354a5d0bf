"""Boot loaders for exported images: unpacked from Debian's packages on first use.

They lie in CACHE/loaders/<digest>/; a directory that has its name is complete. For a BIOS that is
isolinux; for UEFI it is Debian's GRUB for CDs behind the shim that Secure Boot knows.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.errors import DownloadError, HostError, UsageError
from b2p.formats.deb import members
from b2p.partfile import explained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.debian.archive import Archive
    from b2p.debian.index import Index, Package
    from b2p.machine.model import Arch

ISOLINUX, MODULE, FIRST_SECTOR = "isolinux.bin", "ldlinux.c32", "isohdpfx.bin"
SHIM, GRUB = "BOOTX64.EFI", "GRUBX64.EFI"

_FILES: dict[Arch, dict[str, dict[str, str]]] = {
    "x86_64": {
        "isolinux": {
            ISOLINUX: "usr/lib/ISOLINUX/isolinux.bin",
            FIRST_SECTOR: "usr/lib/ISOLINUX/isohdpfx.bin",
        },
        "syslinux-common": {MODULE: "usr/lib/syslinux/modules/bios/ldlinux.c32"},
        "shim-signed": {SHIM: "usr/lib/shim/shimx64.efi.signed"},
        "grub-efi-amd64-signed": {GRUB: "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"},
    },
}
"""Package -> what we call its file: its path in the package."""


@dataclass(frozen=True, slots=True)
class Loaders:
    """A set of them."""

    home: Path

    def read(self, name: str) -> bytes:
        """One of the files."""
        return (self.home / name).read_bytes()


def check(arch: Arch) -> None:
    """Raise UsageError for an architecture whose images cannot be exported."""
    if arch not in _FILES:
        known = ", ".join(_FILES)
        raise UsageError(f"images for {arch} cannot be exported yet", f"export one for {known}")


def bring(archive: Archive, arch: Arch, cache: Path) -> Loaders:
    """The loaders for that architecture: those that are there, else Debian's of today."""
    from b2p.debian.suites import TRIXIE

    check(arch)
    if (found := existing(arch, cache)) is not None:
        return found

    def make(index: Index) -> Loaders:
        packages = [_newest(index, name) for name in _FILES[arch]]
        digest = hashlib.sha256("".join(one.sha256 for one in packages).encode()).hexdigest()
        home = cache / f"{arch}-{digest[:16]}"
        with explained(home):
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as aside:
                made = Path(aside) / home.name
                made.mkdir()
                files = _FILES[arch]
                archive.fetch(
                    packages,
                    title="boot loaders",
                    each=lambda package, deb: _extract(deb, made, files[package.name]),
                )
                with contextlib.suppress(OSError):  # another process was faster
                    made.rename(home)
        return Loaders(home)

    # They are code for the firmware of a computer, whichever computer this is.
    return archive.with_fresh_index(TRIXIE, "amd64", make)


def existing(arch: Arch, cache: Path) -> Loaders | None:
    """The loaders brought last; asks no network."""
    homes = [home for home in cache.glob(f"{arch}-*") if (home / GRUB).exists()]
    newest = max(homes, key=lambda home: home.stat().st_mtime, default=None)
    return None if newest is None else Loaders(newest)


def _newest(index: Index, name: str) -> Package:
    found = index.candidates(name)
    if not found:
        raise DownloadError(f"Debian's lists have no package {name!r}", "try another mirror")
    return found[0]


def _extract(deb: Path, made: Path, files: Mapping[str, str]) -> None:
    names = {path: name for name, path in files.items()}
    for entry, data in members(deb):
        name = names.pop(entry.name.removeprefix("./"), None)
        if name is not None and data is not None:
            (made / name).write_bytes(data.read())
    if names:
        raise HostError(f"the package {deb.name!r} has no {next(iter(names))!r}", "report this")
