"""One machine as one stream: a header, the pieces of its sparse disk, and a digest of it all. Pure.

Layout, within zstd: the magic line; the header's length (8 bytes) and its JSON; for each piece its
offset and length (8 bytes each, big-endian) and its bytes; an end of all ones; the sha256 of all
that was before it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, Protocol

from b2p.errors import TamperedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAGIC = b"b2p export 1\n"
LONGEST_HEADER = 1 << 20
LONGEST_PIECE = 4 << 20
_LENGTH = struct.Struct(">Q")
_PIECE = struct.Struct(">QQ")
_END = (1 << 64) - 1


class Readable(Protocol):
    """What is read from; fewer bytes than asked for come at the end only."""

    def read(self, size: int, /) -> bytes:
        """At most so many."""


def written(header: Mapping[str, Any], pieces: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """The stream in parts; a piece is an offset with at most LONGEST_PIECE bytes."""
    digest = hashlib.sha256()
    text = json.dumps(dict(header)).encode()
    for part in (MAGIC, _LENGTH.pack(len(text)), text):
        digest.update(part)
        yield part
    for offset, data in pieces:
        for part in (_PIECE.pack(offset, len(data)), data):
            digest.update(part)
            yield part
    end = _PIECE.pack(_END, 0)
    digest.update(end)
    yield end
    yield digest.digest()


class Reader:
    """Reads such a stream from somewhere; TamperedError for all that it must not be."""

    def __init__(self, stream: Readable, *, where: str) -> None:
        self._stream = stream
        self._where = where
        self._digest = hashlib.sha256()

    def header(self) -> dict[str, Any]:
        """What stands at its beginning: to be read first."""
        if self._taken(len(MAGIC)) != MAGIC:
            raise self._broken("it is no export of b2p's")
        (length,) = _LENGTH.unpack(self._taken(_LENGTH.size))
        if length > LONGEST_HEADER:
            raise self._broken("its header is too long")
        try:
            found = json.loads(self._taken(length))
        except (ValueError, RecursionError):
            raise self._broken("its header is no JSON") from None
        if not isinstance(found, dict):
            raise self._broken("its header is no object")
        return found

    def pieces(self, size: int) -> Iterator[tuple[int, bytes]]:
        """The pieces of a disk of `size` bytes; when the last one was given all is proven."""
        while True:
            offset, length = _PIECE.unpack(self._taken(_PIECE.size))
            if offset == _END:
                break
            if not 0 < length <= LONGEST_PIECE or offset + length > size:
                raise self._broken("a piece of it lies outside of the disk")
            yield offset, self._taken(length)
        expected = self._digest.digest()
        if self._taken(len(expected)) != expected:
            raise self._broken("its digest is another")

    def _taken(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            data = self._stream.read(count - len(parts))
            if not data:
                raise self._broken("it is cut off")
            parts += data
        self._digest.update(parts)
        return bytes(parts)

    def _broken(self, why: str) -> TamperedError:
        return TamperedError(
            f"{self._where!r} cannot be taken in: {why}", "make it anew, or copy it again"
        )
