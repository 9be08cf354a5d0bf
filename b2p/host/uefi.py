"""UEFI for machines whose image needs it: unpacked from Debian's packages on first use.

It lies in CACHE/uefi/<arch>-<digest>/{code.fd,variables.fd}; a directory that has its name is
complete. Each machine writes to a copy of the variables, never to these.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.errors import DownloadError, HostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.debian.archive import Archive
    from b2p.debian.index import Index, Package
    from b2p.machine.model import Arch

CODE = "code.fd"
VARIABLES = "variables.fd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """Where UEFI's code lies, and the variables that a new machine begins with."""

    code: Path
    variables: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kit:
    package: str
    files: dict[str, str]
    """What we call it: its path in the package."""


# Without secure boot, which wants SMM: old images are not signed by anybody that it knows.
_KITS: dict[Arch, _Kit] = {
    "x86_64": _Kit(
        package="ovmf",
        files={CODE: "usr/share/OVMF/OVMF_CODE_4M.fd", VARIABLES: "usr/share/OVMF/OVMF_VARS_4M.fd"},
    ),
    "aarch64": _Kit(
        package="qemu-efi-aarch64",
        files={
            CODE: "usr/share/AAVMF/AAVMF_CODE.no-secboot.fd",
            VARIABLES: "usr/share/AAVMF/AAVMF_VARS.fd",
        },
    ),
}


def existing(arch: Arch, cache: Path) -> Firmware | None:
    """The UEFI brought last; asks no network."""
    homes = [home for home in cache.glob(f"{arch}-*") if (home / CODE).exists()]
    newest = max(homes, key=lambda home: home.stat().st_mtime, default=None)
    return None if newest is None else _firmware(newest)


def bring(archive: Archive, arch: Arch, cache: Path) -> Firmware:
    """The UEFI for that architecture: the one that is there, else Debian's."""
    from b2p.debian.suites import TRIXIE

    found = existing(arch, cache)
    if found is not None:
        return found

    def make(index: Index) -> Firmware:
        return _unpacked(archive, _newest(index, _KITS[arch].package), arch, cache)

    # The packages are for all architectures; amd64's list is the one that others need anyway.
    try:
        return archive.with_fresh_index(TRIXIE, "amd64", make)
    except OSError as error:
        hint = "make room there, or see to its permissions"
        raise HostError(f"cannot unpack UEFI to {str(cache)!r}: {error.strerror}", hint) from error


def _newest(index: Index, name: str) -> Package:
    found = index.candidates(name)
    if not found:
        raise DownloadError(f"Debian's lists have no package {name!r}", "try another mirror")
    return found[0]


def _unpacked(archive: Archive, package: Package, arch: Arch, cache: Path) -> Firmware:
    home = cache / f"{arch}-{package.sha256[:16]}"
    files = _KITS[arch].files
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as aside:
        made = Path(aside) / home.name
        made.mkdir()
        archive.fetch([package], title="UEFI", each=lambda _, deb: _extract(deb, made, files))
        missing = [path for name, path in files.items() if not (made / name).exists()]
        if missing:
            raise HostError(f"the package {package.name!r} has no {missing[0]!r}", "report this")
        with contextlib.suppress(OSError):  # another process was faster
            made.rename(home)
    return _firmware(home)


def _extract(deb: Path, made: Path, files: Mapping[str, str]) -> None:
    from b2p.formats.deb import members

    names = {path: name for name, path in files.items()}
    for entry, data in members(deb):
        name = names.get(entry.name.removeprefix("./"))
        if name is not None and data is not None:
            (made / name).write_bytes(data.read())


def _firmware(home: Path) -> Firmware:
    return Firmware(code=home / CODE, variables=home / VARIABLES)
