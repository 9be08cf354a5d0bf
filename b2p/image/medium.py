"""What a file is (ISO, disk, packed disk, or no image at all), and what it shows of its maker."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Literal

from b2p.errors import UsageError
from b2p.formats import ext, fat, iso9660, kernel, partitions, qcow2
from b2p.image import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from b2p.formats.bootmenu import Choice
    from b2p.formats.partitions import Partition
    from b2p.machine.model import Arch

Kind = Literal["iso", "qcow2", "raw"]

_HEAD_BYTES = 4096
_FARTHEST = 1 << 62

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"KDMV", "a VMware disk"),
    (b"# Disk DescriptorFile", "a VMware disk"),
    (b"conectix", "a Hyper-V disk (VHD)"),
    (b"vhdxfile", "a Hyper-V disk (VHDX)"),
    (b"<<< ", "a VirtualBox disk"),
    (b"PK\x03\x04", "a zip archive"),
    (b"hsqs", "a squashfs, not a disk"),
    (b"\x7fELF", "a program"),
)
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<head)", re.IGNORECASE)

_UEFI_PARTITIONS = ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "ef")

_RELEASES = ("etc/os-release", "usr/lib/os-release", "lib/os-release")
"""Where systems have it, from their root; the last one is that of a partition that is /usr."""

_NAMES: tuple[tuple[str, Arch], ...] = (
    ("x86_64", "x86_64"),
    ("x86-64", "x86_64"),
    ("amd64", "x86_64"),
    ("aarch64", "aarch64"),
    ("arm64", "aarch64"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All by which a family may recognise its image."""

    kind: Kind
    file_name: str
    label: str = ""
    """Of the ISO's volume, or of a file system on a disk without partitions."""
    files: tuple[str, ...] = ()
    """In an ISO: absolute paths."""
    choice: Choice | None = None
    """What the ISO's own menu boots."""
    partitions: tuple[Partition, ...] = ()
    loaders: tuple[str, ...] = ()
    """Paths in a disk's EFI partition."""
    release: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What the os-release on a disk says, where it lies on a file system that b2p reads."""
    boots_bios: bool = True
    """Whether a BIOS finds something to start on it, as far as its first sector tells."""
    boots_uefi: bool = True
    """The same of UEFI."""
    arch: str = ""
    """The processor that it is made for, as QEMU names it; empty where nothing tells."""
    size: int = 0
    """Bytes that the guest sees."""


def examine(path: Path, *, name: str = "") -> Evidence:
    """What the file is; raises UsageError where no machine can boot it.

    `name` is what it was called where it came from, for recognition. A packed file is to be
    unpacked first: this refuses it.
    """
    name = name or path.name
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            refuse_others(head, where=name)
            if iso9660.is_iso(file):
                return _iso(path, name)
            if head.startswith(qcow2.MAGIC):
                return _qcow2(file, name)
            return _disk("raw", _reader(file), file.seek(0, 2), name)
    except IsADirectoryError as error:
        raise UsageError(f"{str(path)!r} is a directory, not an image") from error
    except OSError as error:
        raise UsageError(f"cannot read the image {str(path)!r}: {error.strerror}") from error


def refuse_others(head: bytes, *, where: str) -> None:
    """Raise UsageError for what is plainly no image, by its first bytes."""
    if not head:
        raise UsageError(f"{where!r} is empty", "fetch it again")
    if _PAGE.match(head):
        raise UsageError(
            f"{where!r} is a web page, not an image",
            "open the address in a browser: a login, or a page about the image, is in the way",
        )
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise UsageError(
                f"{where!r} is {what}, which b2p does not boot",
                "take an ISO, a qcow2 or a raw disk (qemu-img convert makes one)",
            )
    if kernel.is_bzimage(head):
        raise UsageError(f"{where!r} is a Linux kernel, not an image", "take the ISO or the disk")
    if packing := unpack.packing(head):
        raise UsageError(f"{where!r} is packed twice ({packing})", "unpack it by hand")


def check_architecture(found: Evidence, arch: Arch) -> None:
    """Raise UsageError for an image of another processor than the machine's."""
    if found.arch and found.arch != arch:
        raise UsageError(
            f"{found.file_name!r} is for {found.arch} processors, the machine is {arch}",
            f"take the image for {arch}, or emulate the other: --arch {found.arch}",
        )


def _iso(path: Path, name: str) -> Evidence:
    with path.open("rb") as file:
        label = iso9660.label(file)
        firmwares = iso9660.firmwares(file)
    with iso9660.opened(path) as iso:
        choice = iso.choice()
        arch = ""
        if choice is not None and iso.has(choice.kernel):
            arch = kernel.architecture(iso.read(choice.kernel, limit=kernel.HEAD_BYTES))
        files = iso.files
    return Evidence(
        kind="iso",
        file_name=name,
        label=label,
        files=files,
        choice=choice,
        boots_bios="bios" in firmwares,
        boots_uefi="uefi" in firmwares,
        arch=_wide(arch) or _arch_of_loaders(files) or _arch_of_name(name),
        size=path.stat().st_size,
    )


_LOADERS: dict[str, Arch] = {
    "/efi/boot/bootx64.efi": "x86_64",
    "/efi/boot/bootia32.efi": "x86_64",
    "/efi/boot/bootaa64.efi": "aarch64",
}


def _arch_of_loaders(files: tuple[str, ...]) -> str:
    """The processor that all UEFI loaders among the files are for."""
    found = {_LOADERS[path.lower()] for path in files if path.lower() in _LOADERS}
    return found.pop() if len(found) == 1 else ""


def _wide(arch: str) -> str:
    """A guest of 32 bits runs on the processor of 64."""
    return "x86_64" if arch == "i386" else arch


def _qcow2(file: BinaryIO, name: str) -> Evidence:
    header = qcow2.header(file, where=name)
    qcow2.check_foreign(header, where=name)
    return _disk(
        "qcow2", lambda at, length: qcow2.read(file, header, at, length), header.size, name
    )


def _disk(kind: Kind, read: Callable[[int, int], bytes], size: int, name: str) -> Evidence:
    table = partitions.table(read)
    label = "" if table.partitions else partitions.label(read)
    if not table.scheme and not label:
        raise UsageError(
            f"{name!r} is not an image: neither an ISO nor a disk with something to boot",
            "give a file that a computer boots from, or the name of a family",
        )
    return Evidence(
        kind=kind,
        file_name=name,
        label=label,
        partitions=table.partitions,
        loaders=tuple(
            path
            for one in table.partitions
            if one.kind in _UEFI_PARTITIONS
            for path in fat.files(read, one.start)
        ),
        release=_release(read, [one.start for one in table.partitions] or [0]),
        boots_bios=table.boots_bios,
        boots_uefi=any(one.kind in _UEFI_PARTITIONS for one in table.partitions),
        arch=table.arch or _arch_of_name(name),
        size=size,
    )


def _release(read: Callable[[int, int], bytes], starts: list[int]) -> Mapping[str, str]:
    """The first os-release that one of the file systems has."""
    for start in starts:
        for path in _RELEASES:
            content = ext.read_file(read, start, path)
            if content and (values := _assigned(content.decode("utf-8", "replace"))):
                return MappingProxyType(values)
    return MappingProxyType({})


def _assigned(text: str) -> dict[str, str]:
    """KEY=value, quoted as a shell would."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or key.startswith("#"):
            continue
        try:
            found[key] = " ".join(shlex.split(value))
        except ValueError:
            found[key] = value.strip("\"'")
    return found


def _reader(file: BinaryIO) -> Callable[[int, int], bytes]:
    def read(offset: int, length: int) -> bytes:
        # A table may lead anywhere, also to where no file can reach.
        file.seek(min(offset, _FARTHEST))
        return file.read(length).ljust(length, b"\0")

    return read


def _arch_of_name(name: str) -> str:
    return next((arch for word, arch in _NAMES if word in name.lower()), "")
