"""Debian packages -> parts of one newc archive: the tree that finishes itself in its VM."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from b2p.formats import cpio, deb
from b2p.image.modules import module_name, plain_module
from b2p.image.recipe import wanted

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    Members = Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]

INODES_A_PACKAGE = 1 << 20
"""Room for the files of one package: hard links are found by inode, so two must not share one."""

FIRST_PACKAGE = "base-files"
"""Its links (/bin -> usr/bin) must be there before anything goes through them."""


class KernelParts:
    """What the host takes out of a kernel package while it passes by."""

    def __init__(self) -> None:
        self.kernel = b""
        self.modules: dict[str, bytes] = {}
        """Name -> plain module, of those that the image keeps."""

    def take(self, path: str, data: bytes) -> None:
        """Keep a file if it is the kernel or a module."""
        if path.startswith("boot/vmlinu"):
            self.kernel = data
        elif path.endswith(".ko"):
            self.modules[module_name(path)] = data


def write_package(package: Path, out: Path, *, number: int, taker: KernelParts | None) -> None:
    """One package's wanted files as a part of the archive (no trailer)."""
    with out.open("wb") as file:
        writer = cpio.Writer(file, first_inode=number * INODES_A_PACKAGE)
        members = deb.members(package)
        cpio.add_tar(writer, _of_kernel(members, taker) if taker else members, wanted, mtime=0)


def _of_kernel(members: Members, taker: KernelParts) -> Members:
    """The wanted members, modules unpacked: here that is native code, in the guest emulated."""
    for entry, data in members:
        path = cpio.clean(entry.name)
        if data is None:
            yield entry, None
        elif wanted(path):
            content = plain_module(path, data.read())
            entry.name = path.removesuffix(".xz")
            entry.size = len(content)
            taker.take(entry.name, content)
            yield entry, io.BytesIO(content)


def write_files(files: Iterable[tuple[str, bytes, int]], out: Path, *, number: int) -> None:
    """Files of b2p's own, with the directories above them, as a part of the archive."""
    with out.open("wb") as file:
        writer = cpio.Writer(file, first_inode=number * INODES_A_PACKAGE)
        made: set[str] = set()
        for name, content, mode in files:
            for end in (index for index, letter in enumerate(name) if letter == "/"):
                if name[:end] not in made:
                    made.add(name[:end])
                    writer.directory(name[:end], mode=0o755)
            writer.file(name, content, mode=mode)


def file_of(package: Path, wanted_path: str) -> bytes:
    """One file of a package, by its path without a leading slash; empty where it is not there."""
    for entry, data in deb.members(package):
        if entry.name.removeprefix("./") == wanted_path and data is not None:
            return data.read()
    return b""
