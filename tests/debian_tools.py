"""Programs that tests drive, from Debian's packages, unpacked by b2p itself into a cache.

So an ordinary user without apt runs all tests. Each tool is run by the ld.so and the libraries
that came with it, whatever the computer's own are.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from b2p.debian import sources
from b2p.debian.archive import Archive
from b2p.debian.closure import closure
from b2p.debian.suites import TRIXIE
from b2p.formats.deb import members
from b2p.host import computer
from b2p.host.brought import SYSTEMS
from b2p.report import SilentReport

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Sequence

    from b2p.debian.index import Index, Package


@dataclass(frozen=True)
class Tools:
    """Debian's packages in the cache of b2p's at `cache`; what is unpacked lies in its tools/."""

    cache: Path

    def program(self, path: str, *packages: str) -> Path:
        """A command that runs `path` ("usr/bin/docker") of these packages and what they need."""
        tree = self.tree(*packages)
        command = tree / "run" / PurePosixPath(path).name
        if not command.exists():
            aside = _beside(command)
            aside.write_text(_starter(tree, path))
            aside.chmod(0o755)
            aside.replace(command)
        return command

    def tree(self, *packages: str, architecture: str = "") -> Path:
        """The directory that holds the files of these packages and of all that they need.

        `architecture` is Debian's name of another one than this computer's ("arm64").
        """
        archive = Archive(
            sources=sources.from_computer(setting=os.environ.get("B2P_MIRROR")),
            cache_indexes=self.cache / "indexes",
            cache_debs=self.cache / "debs",
            report=SilentReport(),
        )
        try:
            return archive.with_fresh_index(
                TRIXIE,
                architecture or SYSTEMS[computer.arch()].debian,
                lambda index: self._unpacked(archive, index, packages),
            )
        finally:
            archive.close()

    def _unpacked(self, archive: Archive, index: Index, names: Sequence[str]) -> Path:
        wanted = closure(index, names, without={"debconf", "perl", "adduser"})
        home = self.cache / "tools" / f"{names[0]}-{_digest(wanted)}"
        if home.exists():
            return home
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=".new-") as aside:
            made = Path(aside) / home.name
            (made / "run").mkdir(parents=True)
            for deb in archive.fetch(wanted, title="tools for the tests").values():
                for entry, data in members(deb):
                    _put(made, entry, data)
            if not home.exists():
                made.rename(home)
        return home


def _digest(packages: Sequence[Package]) -> str:
    inputs = [[package.name, package.sha256] for package in packages]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:12]


def _put(root: Path, entry: tarfile.TarInfo, data: IO[bytes] | None) -> None:
    """One entry below `root`; devices and owners are of no use to a tool."""
    path = root / entry.name
    if ".." in PurePosixPath(entry.name).parts or path == root:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.isdir():
        path.mkdir(exist_ok=True)
    elif entry.issym():
        path.unlink(missing_ok=True)
        path.symlink_to(entry.linkname)
    elif entry.islnk():
        path.unlink(missing_ok=True)
        path.hardlink_to(root / entry.linkname)
    elif data is not None:
        path.unlink(missing_ok=True)
        with path.open("xb") as file:
            shutil.copyfileobj(data, file)
        path.chmod(0o755 if entry.mode & 0o111 else 0o644)


def _starter(tree: Path, path: str) -> str:
    """A script that starts a program of the tree by the tree's own ld.so, wherever the tree is."""
    kit = SYSTEMS[computer.arch()]
    loader = next(tree.rglob(kit.loader), None)
    words = [path]
    if loader is not None:
        library = f"usr/lib/{kit.triplet}"
        words = [str(loader.relative_to(tree)), "--library-path", library, path]
    here = 'here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)'
    line = " ".join(f'"$here/{word}"' if "/" in word else word for word in words)
    return f'#!/bin/sh\n{here}\nexec {line} "$@"\n'


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}-{os.getpid()}")
