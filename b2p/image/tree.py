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
        self._modules: dict[str, tuple[str, bytes]] = {}

    def take(self, path: str, data: bytes) -> None:
        """Keep a file if it is the kernel or a module."""
        if path.startswith("boot/vmlinu"):
            self.kernel = data
        elif ".ko" in path:
            self._modules[module_name(path)] = (path, data)

    def modules(self) -> Modules:
        """Plain modules by name, uncompressed when asked for."""
        return Modules(self._modules)


class Modules(dict[str, bytes]):
    """Name -> plain module, decompressed on first use: of thousands a dozen are needed."""

    def __init__(self, packed: dict[str, tuple[str, bytes]]) -> None:
        super().__init__()
        self._packed = packed

    def __contains__(self, name: object) -> bool:
        return name in self._packed

    def __missing__(self, name: str) -> bytes:
        path, data = self._packed[name]
        self[name] = plain_module(path, data)
        return self[name]


def write_package(package: Path, out: Path, *, number: int, taker: KernelParts | None) -> None:
    """One package's wanted files as a part of the archive (no trailer)."""
    with out.open("wb") as file:
        writer = cpio.Writer(file, first_inode=number * INODES_A_PACKAGE)
        members = deb.members(package)
        cpio.add_tar(writer, _seen(members, taker) if taker else members, wanted, mtime=0)


def _seen(members: Members, taker: KernelParts) -> Members:
    """The same members, each file shown to the taker as it passes."""
    for entry, data in members:
        if data is None:
            yield entry, None
            continue
        content = data.read()
        taker.take(cpio.clean(entry.name), content)
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
