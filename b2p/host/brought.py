"""A QEMU of our own: unpacked from Debian's packages, run by the ld.so that came with it.

It lies in CACHE/<digest>/{bin,lib,share,manifest.json} and needs nothing of the system, so it runs
on any Linux, as any user. A directory that has its name is complete: it is made aside and renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from b2p.errors import DownloadError, HostError
from b2p.host import process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from b2p.debian.archive import Archive
    from b2p.debian.index import Index, Package
    from b2p.machine.model import Arch
    from b2p.report import Report

SCHEMA = 2
"""Of manifest.json, and of the choice of files: another one makes another digest."""

TRIAL_SECONDS = 20.0
"""For the first run of a QEMU from a cold and slow disk."""

COPY_BYTES = 1 << 20

ASIDE = ".new-"
"""How the name of a directory under construction begins."""

STALE_SECONDS = 3600.0
"""What is under construction for so long was left by a process that was killed."""

LOADER_FAILED = 127
"""The status of an ld.so that lacks a library."""

WITHOUT = frozenset({
    # Modules (audio, USB, displays, braille) that no machine of ours has, and what they need.
    "qemu-system-common", "qemu-system-gui", "qemu-system-modules-spice", "ipxe-qemu",
    "libaudit1", "libcacard0", "libpam0g", "libusb-1.0-0", "libusbredirparser1t64",
    "libpcsclite1", "libasound2t64", "libbrlapi0.8", "libncursesw6", "libtinfo6", "libsystemd0",
    # What maintainer scripts and configuration need.
    "adduser", "debconf", "debconf-2.0", "passwd", "perl", "perl-base", "dpkg", "install-info",
    "gcc-14-base", "openssl-provider-legacy", "libasound2-data", "libsemanage2", "libdb5.3t64",
    "libsasl2-modules-db", "libexecs1", "libcrypt1", "libbsd0", "libmd0",
})  # fmt: skip
"""Left out of the closure: QEMU starts without them. Where a later one does not, all come."""


class _LibraryError(HostError):
    """The QEMU lacks a library: too much was left out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Which QEMU: what its guests are, and what the computer is that it runs on."""

    guest: Arch
    here: Arch


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What the QEMU for one kind of guest is made of, wherever it runs."""

    root: str
    """The package that holds it."""
    firmware: tuple[str, ...]
    """Packages of its firmware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """How Debian's programs are told apart and started on one kind of computer."""

    debian: str
    """Debian's name of the architecture."""
    triplet: str
    loader: str
    """The file name of its ld.so."""


KITS: dict[Arch, Kit] = {
    "x86_64": Kit(root="qemu-system-x86", firmware=("qemu-system-data", "seabios")),
    "aarch64": Kit(root="qemu-system-arm", firmware=("qemu-system-data",)),
}

SYSTEMS: dict[Arch, System] = {
    "x86_64": System(debian="amd64", triplet="x86_64-linux-gnu", loader="ld-linux-x86-64.so.2"),
    "aarch64": System(debian="arm64", triplet="aarch64-linux-gnu", loader="ld-linux-aarch64.so.1"),
}

FIRMWARE = (
    "bios-256k.bin kvmvapic.bin linuxboot_dma.bin multiboot_dma.bin pvh.bin vgabios-stdvga.bin"
)


def existing(kind: Kind, cache: Path) -> tuple[str, ...] | None:
    """The words that start the QEMU brought last; None where there is none. Asks no network."""
    homes = [path.parent for path in cache.glob("*/manifest.json") if path.parent.name[0] != "."]
    usable = [home for home in homes if _kind_of(home) == kind]
    return command(max(usable, key=_age), kind) if usable else None


def bring(
    archive: Archive, kind: Kind, cache: Path, report: Report, *, refresh: bool = False
) -> tuple[str, ...]:
    """The words that start a QEMU of our own: the one that is there, else a new one.

    With `refresh` the newest that Debian has; without network the last good one stays.
    """
    if set(str(cache)) & set(":;"):
        hint = "set XDG_CACHE_HOME to a directory whose path has neither ':' nor ';'"
        raise HostError(f"no QEMU can start from {str(cache)!r}", hint)
    last = existing(kind, cache)
    if last is not None and not refresh:
        return last
    try:
        return _from_packages(archive, kind, cache)
    except DownloadError as error:
        if last is None:
            raise
        report.warn(f"the QEMU brought before is kept: {error.message}", error.hint)
        return last


def command(home: Path, kind: Kind) -> tuple[str, ...]:
    """The words that start the QEMU in that directory, through its own ld.so and libraries."""
    name = f"qemu-system-{kind.guest}"
    loader = home / "lib" / SYSTEMS[kind.here].loader
    library, share = home / "lib", home / "share"
    words = (loader, "--library-path", library, "--argv0", name, home / "bin" / name, "-L", share)
    return tuple(map(str, words))


def place(path: str, kind: Kind) -> str | None:
    """Where a package's file goes in a brought QEMU ("bin/...", "lib/...", "share/..."), or None.

    The last part of the name alone is used, so no package can write anywhere else.
    """
    folder, _, name = path.removeprefix("./").lstrip("/").rpartition("/")
    if folder == "usr/bin" and name == f"qemu-system-{kind.guest}":
        return f"bin/{name}"
    if folder in _library_folders(kind) and re.fullmatch(r"[\w+.-]+\.so(\.[\w.]+)*", name):
        return f"lib/{name}"
    if folder in ("usr/share/qemu", "usr/share/seabios") and name in FIRMWARE.split():
        return f"share/{name}"
    return None


def digest(packages: Sequence[Package]) -> str:
    """The name of what these packages make, whatever their order."""
    lines = sorted(f"{package.name} {package.version} {package.sha256}" for package in packages)
    return hashlib.sha256("\n".join([str(SCHEMA), *lines]).encode()).hexdigest()[:16]


def _from_packages(archive: Archive, kind: Kind, cache: Path) -> tuple[str, ...]:
    """Bring it without what it seems not to need; where it does need it, with everything."""
    try:
        return _made(archive, kind, cache, without=WITHOUT)
    except _LibraryError:
        return _made(archive, kind, cache, without=frozenset())


def _made(archive: Archive, kind: Kind, cache: Path, *, without: frozenset[str]) -> tuple[str, ...]:
    from b2p.debian.closure import closure
    from b2p.debian.suites import TRIXIE

    kit = KITS[kind.guest]

    def make(index: Index) -> tuple[str, ...]:
        packages = closure(index, [kit.root, *kit.firmware], without=without)
        home = cache / digest(packages)
        if _kind_of(home) is None:
            _unpack(archive, packages, kind, home)
        return command(home, kind)

    return archive.with_fresh_index(TRIXIE, SYSTEMS[kind.here].debian, make)


def _unpack(archive: Archive, packages: Sequence[Package], kind: Kind, home: Path) -> None:
    """Fetch the packages into `home`, each unpacked as it comes; try it; then give it its name."""
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        _sweep(home.parent)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=ASIDE) as aside:
            made = Path(aside) / home.name
            for folder in ("bin", "lib", "share"):
                (made / folder).mkdir(parents=True)
            archive.fetch(
                packages,
                title="QEMU",
                each=lambda _package, path: _extract(path, made, kind),
            )
            _try(command(made, kind))
            (made / "manifest.json").write_text(_manifest(packages, kind))
            _name(made, home)
    except OSError as error:
        hint = "make room there, or see to its permissions"
        raise HostError(f"cannot unpack QEMU to {str(home)!r}: {error.strerror}", hint) from error


def _extract(deb: Path, made: Path, kind: Kind) -> None:
    from b2p.formats.deb import members

    for entry, data in members(deb):
        where = place(entry.name, kind)
        if where is None:
            continue
        target = made / where
        if entry.issym() and "/" not in entry.linkname:
            target.unlink(missing_ok=True)
            target.symlink_to(entry.linkname)
        elif data is not None:
            target.unlink(missing_ok=True)
            _copy(data, target, executable=bool(entry.mode & 0o111))


def _copy(data: IO[bytes], target: Path, *, executable: bool) -> None:
    with target.open("xb") as file:
        shutil.copyfileobj(data, file, COPY_BYTES)
        os.fchmod(file.fileno(), 0o755 if executable else 0o644)


def _try(words: tuple[str, ...]) -> None:
    ended = process.run([*words, "-version"], timeout=TRIAL_SECONDS, check=False)
    if ended.status:
        said = ended.stderr.decode(errors="replace").strip()
        kind = _LibraryError if ended.status == LOADER_FAILED else HostError
        raise kind("the QEMU that was brought does not start", "report this", details=said)


def _name(made: Path, home: Path) -> None:
    """Give what was made its name, unless another process was faster."""
    try:
        made.rename(home)
    except OSError:
        if _kind_of(home):
            return
        # Somebody's clearing up took parts of it.
        shutil.rmtree(home, ignore_errors=True)
        made.rename(home)


def _sweep(cache: Path) -> None:
    """Remove what a process that was killed began."""
    for left in cache.glob(f"{ASIDE}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _age(home: Path) -> tuple[float, str]:
    return (home / "manifest.json").stat().st_mtime, home.name


def _kind_of(home: Path) -> Kind | None:
    """Which QEMU lies in that directory; None where there is none to use."""
    try:
        known = json.loads((home / "manifest.json").read_bytes())
        # Where no guest is named it is for those like the computer.
        named = known["arch"], known.get("guest", known["arch"])
        for kind in (Kind(guest, here) for here in SYSTEMS for guest in KITS):
            loader, binary = command(home, kind)[0], home / "bin" / f"qemu-system-{kind.guest}"
            if known["schema"] == SCHEMA and named == (kind.here, kind.guest):
                return kind if Path(loader).exists() and binary.exists() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None


def _manifest(packages: Sequence[Package], kind: Kind) -> str:
    listed = [
        {"name": package.name, "version": package.version, "sha256": package.sha256}
        for package in packages
    ]
    facts = {"schema": SCHEMA, "arch": kind.here, "guest": kind.guest, "packages": listed}
    return json.dumps(facts, indent=1)


def _library_folders(kind: Kind) -> tuple[str, ...]:
    triplet = SYSTEMS[kind.here].triplet
    return (f"usr/lib/{triplet}", f"lib/{triplet}")
