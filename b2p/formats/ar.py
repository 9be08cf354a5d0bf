"""Reading `ar` archives, the outer wrapping of a .deb (layout: ar(5), common and GNU names)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from b2p.errors import TamperedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"!<arch>\n"
_HEADER = 60


@dataclass(frozen=True, slots=True)
class Member:
    """Where one file lies in the archive: `size` bytes from `offset` on."""

    name: str
    offset: int
    size: int


def members(file: BinaryIO) -> Iterator[Member]:
    """The members of a seekable archive, in order; TamperedError when it is none or is cut off."""
    end = file.seek(0, 2)
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise TamperedError("not an ar archive: its first bytes are others")
    offset = len(_MAGIC)
    while offset < end:
        file.seek(offset)
        member = _parsed(file.read(_HEADER), offset + _HEADER)
        if member.offset + member.size > end:
            raise TamperedError(f"cut off within {member.name!r}")
        yield member
        offset = member.offset + member.size + member.size % 2


def _parsed(header: bytes, offset: int) -> Member:
    """One header of 60 bytes: name 16, mtime 12, uid 6, gid 6, mode 8, size 10, two magic bytes."""
    size = header[48:58].strip()
    if len(header) != _HEADER or header[58:] != b"`\n" or not size.isdigit():
        raise TamperedError("a broken header in an ar archive")
    name = header[:16].rstrip().removesuffix(b"/")
    return Member(name.decode("ascii", "replace"), offset, int(size))
