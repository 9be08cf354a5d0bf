"""ISO images: their label, their files by path, and what their boot loader would boot (pycdlib)."""

from __future__ import annotations

import posixpath
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from b2p.errors import UsageError
from b2p.formats import bootmenu

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from b2p.formats.bootmenu import Choice

_BLOCK = 2048
_VOLUME = 16 * _BLOCK
"""Where the primary volume descriptor lies."""
_MAGIC = b"CD001"
_PLATFORMS = {0: "bios", 0xEF: "uefi"}
_MENU_BYTES = 1 << 20
_DEEPEST_INCLUDE = 4


def is_iso(file: BinaryIO) -> bool:
    """Whether the file is an ISO image."""
    file.seek(_VOLUME + 1)
    return file.read(len(_MAGIC)) == _MAGIC


def label(file: BinaryIO) -> str:
    """The volume's label."""
    file.seek(_VOLUME + 40)
    return file.read(32).decode("ascii", "replace").strip(" \0")


def firmwares(file: BinaryIO) -> frozenset[str]:
    """Which of "bios" and "uefi" find something to boot there, by its El Torito catalog."""
    file.seek(_VOLUME + _BLOCK)
    record = file.read(_BLOCK)
    if record[7:30] != b"EL TORITO SPECIFICATION":
        return frozenset()
    file.seek(int.from_bytes(record[71:75], "little") * _BLOCK)
    catalog = file.read(_BLOCK)
    found = set()
    if catalog[32:33] == b"\x88":
        found.add(_PLATFORMS.get(catalog[1], ""))
    for at in range(64, len(catalog), 32):
        if catalog[at] in (0x90, 0x91):  # the head of further entries
            found.add(_PLATFORMS.get(catalog[at + 1], ""))
    return frozenset(found - {""})


def check_whole(file: BinaryIO, *, where: str) -> None:
    """Raise UsageError where the file is shorter than the volume in it."""
    file.seek(_VOLUME + 80)
    (blocks,) = struct.unpack("<I", file.read(4).ljust(4, b"\0"))
    there = file.seek(0, 2)
    if there < blocks * _BLOCK:
        raise UsageError(
            f"the ISO {where!r} is cut off: {there >> 20} of {blocks * _BLOCK >> 20} MiB",
            "fetch it again",
        )


class Iso:
    """An open ISO; made by `opened`."""

    def __init__(self, iso: Any, where: str) -> None:
        self._iso = iso
        self._where = where
        self._paths = dict(_paths(iso))

    @property
    def files(self) -> tuple[str, ...]:
        """The absolute paths of all files, in order."""
        return tuple(sorted(self._paths))

    def read(self, path: str, *, limit: int) -> bytes:
        """The first `limit` bytes of a file."""
        found = self._found(path)
        with _explained(self._where), self._iso.open_file_from_iso(**found) as file:
            content: bytes = file.read(limit)
            return content

    def extract(self, path: str, target: BinaryIO) -> None:
        """Append the file's content to `target`."""
        found = self._found(path)
        with _explained(self._where):
            self._iso.get_file_from_iso_fp(target, **found)

    def choice(self) -> Choice | None:
        """What its boot loader boots unasked; None where no menu of it boots a Linux."""
        # isolinux first: where both are there, grub's menu is for UEFI and often names variables.
        menus = sorted(filter(bootmenu.is_menu, self._paths), key=lambda one: "grub" in one.lower())
        for path in menus:
            found = bootmenu.default(self._menu(path, _DEEPEST_INCLUDE), path=path)
            if found is not None and self.has(found.kernel):
                return found
        return None

    def has(self, path: str) -> bool:
        """Whether there is such a file, in whatever case."""
        return path in self._paths or path.lower() in map(str.lower, self._paths)

    def _menu(self, path: str, depth: int) -> str:
        """The text of a menu, with that of the files that it includes."""
        text = self.read(path, limit=_MENU_BYTES).decode("utf-8", "replace")
        others = bootmenu.included(text, path=path) if depth else ()
        return "\n".join(
            [text, *(self._menu(other, depth - 1) for other in others if self.has(other))]
        )

    def _found(self, path: str) -> Mapping[str, str]:
        lower = {name.lower(): name for name in self._paths}
        name = path if path in self._paths else lower.get(path.lower())
        if name is None:
            raise UsageError(
                f"the ISO {self._where!r} has no file {path!r}",
                "it is another image than its family's, or a broken one",
            )
        return self._paths[name]


@contextmanager
def opened(path: Path) -> Iterator[Iso]:
    """The ISO at `path`; raises UsageError where it is none, cut off or broken."""
    import pycdlib

    iso = pycdlib.PyCdlib()
    with path.open("rb") as file:
        check_whole(file, where=path.name)
        with _explained(path.name):
            iso.open_fp(file)
            whole = Iso(iso, path.name)
        try:
            yield whole
        finally:
            iso.close()


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what pycdlib meets in a broken ISO, which may be anything, into an error of ours."""
    from pycdlib.pycdlibexception import PyCdlibException

    broken = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
    try:
        yield
    except (PyCdlibException, struct.error, *broken) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"{where!r} is not an ISO that can be read: {reason}", "fetch it again"
        ) from error


def _paths(iso: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each file's path as people write it, and how pycdlib wants it named."""
    kind = "iso_path"
    if iso.has_rock_ridge():
        kind = "rr_path"
    elif iso.has_joliet():
        kind = "joliet_path"
    for folder, _, names in iso.walk(**{kind: "/"}):
        for name in names:
            path = posixpath.join(folder, name)
            shown = path.partition(";")[0].removesuffix(".").lower() if kind[0] == "i" else path
            yield shown, {kind: path}
