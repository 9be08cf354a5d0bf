"""Debian packages for stand-ins: chosen, fetched by digest, laid end to end as one newc archive."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import threading
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from b2p.debian.closure import closure
from b2p.debian.suites import TRIXIE
from b2p.formats import cpio, deb
from b2p.image import recipe, tree
from b2p.image.modules import module_name, plain_module

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from b2p.debian.archive import Archive
    from b2p.debian.index import Package

    Members = Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]

ARCHITECTURE = "amd64"
KERNEL = "linux-image-cloud-amd64"
"""What Debian's own cloud images boot."""

ALIGNMENT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of our own; a link where `link` names its target."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    link: str = ""


@dataclass(slots=True)
class Parts:
    """What the host itself needs of the packages that pass by."""

    kernel: bytes = b""
    busybox: bytes = b""
    modules: dict[str, bytes] = field(default_factory=dict)
    """Name -> plain module."""
    module_paths: dict[str, str] = field(default_factory=dict)
    """Name -> path in the tree."""


def chosen(archive: Archive, roots: Sequence[str], without: Collection[str]) -> list[Package]:
    """The packages with all that they need, as the mirror has them today."""
    return archive.with_fresh_index(
        TRIXIE, ARCHITECTURE, lambda index: closure(index, roots, without=without)
    )


def digest(packages: Sequence[Package], *more: object) -> str:
    """One name for all that goes into a stand-in."""
    inputs = [[[one.name, one.sha256] for one in packages], list(more)]
    return hashlib.sha256(json.dumps(inputs, default=str).encode()).hexdigest()[:16]


def write_tree(
    archive: Archive,
    packages: Sequence[Package],
    out: Path,
    *,
    own: Callable[[Parts], Sequence[File]],
    keep: Callable[[str], bool],
) -> Parts:
    """The packages' files and then our own, as one archive; needs as much room again beside it."""
    parts, lock = Parts(), threading.Lock()
    first = tree.FIRST_PACKAGE
    ordered = sorted(packages, key=lambda one: (one.name != first, one.name))
    numbers = {package.name: number for number, package in enumerate(ordered, start=1)}

    def part(number: int) -> Path:
        return out.with_name(f".{out.name}.{number}")

    def unpack(package: Package, path: Path) -> None:
        number = numbers[package.name]
        with part(number).open("wb") as file:
            writer = cpio.Writer(file, first_inode=number * tree.INODES_A_PACKAGE)
            members = deb.members(path)
            if package.name.startswith("linux-image-"):
                members = _of_kernel(members, keep, parts, lock)
            cpio.add_tar(writer, members, keep, mtime=0)
        if package.name == "busybox-static":
            parts.busybox = tree.file_of(path, "usr/bin/busybox")

    archive.fetch(packages, title="fetching and unpacking packages", each=unpack)
    with out.open("wb") as file:
        for number in range(1, len(ordered) + 1):
            with part(number).open("rb") as one:
                shutil.copyfileobj(one, file, 1 << 20)
            part(number).unlink()
        _write_own(file, own(parts), first_inode=(len(ordered) + 1) * tree.INODES_A_PACKAGE)
        file.write(b"\0" * (-file.tell() % ALIGNMENT))
    return parts


def keep_modules(*drivers: str) -> Callable[[str], bool]:
    """What the default image keeps of any package, and these folders of kernel/drivers."""

    def keep(path: str) -> bool:
        folder = path.partition("/kernel/drivers/")[2].partition("/")[0]
        return recipe.wanted(path) or folder in drivers

    return keep


def _of_kernel(
    members: Members, keep: Callable[[str], bool], parts: Parts, lock: threading.Lock
) -> Members:
    """The members kept, modules unpacked; kernel and modules are remembered."""
    for entry, data in members:
        path = cpio.clean(entry.name)
        if data is None or not keep(path):
            yield entry, data
            continue
        content = plain_module(path, data.read())
        entry.name = path.removesuffix(".xz")
        entry.size = len(content)
        with lock:
            if path.startswith("boot/vmlinuz"):
                parts.kernel = content
            elif entry.name.endswith(".ko"):
                parts.modules[module_name(path)] = content
                parts.module_paths[module_name(path)] = entry.name
        yield entry, io.BytesIO(content)


def _write_own(out: IO[bytes], own: Sequence[File], *, first_inode: int) -> None:
    writer = cpio.Writer(out, first_inode=first_inode)  # type: ignore[arg-type]  # it is a file
    made: set[str] = set()
    for one in own:
        for end in (index for index, letter in enumerate(one.path) if letter == "/"):
            if one.path[:end] not in made:
                made.add(one.path[:end])
                writer.directory(one.path[:end])
        if one.link:
            writer.symlink(one.path, one.link)
        else:
            writer.file(one.path, one.content, one.mode)
    writer.trailer()


def files_below(root: Path, at: str, words: Mapping[str, str] | None = None) -> list[File]:
    """The files of a folder of ours, to lie at `at`; scripts are executable, @WORDS@ filled."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            for word, value in (words or {}).items():
                content = content.replace(f"@{word}@".encode(), value.encode())
            mode = 0o755 if content.startswith(b"#!") else 0o644
            name = f"{at}/{path.relative_to(root).as_posix()}".lstrip("/")
            found.append(File(path=name, content=content, mode=mode))
    return found
