"""Reading Debian packages: ar around control.tar and data.tar (layout: deb(5))."""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from b2p.errors import TamperedError
from b2p.formats import ar

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 8 << 30
"""Bytes that a package may unpack to."""


def members(
    deb: BinaryIO | Path, *, part: str = "data", limit: int = LIMIT
) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The entries of data.tar (or `part` "control"), in order; regular files with their data.

    Streaming: an entry's data must be read before the next entry is asked for. TamperedError
    when the file is no package, is cut off, or unpacks to more than `limit` bytes.
    """
    if isinstance(deb, Path):
        with deb.open("rb") as file:
            yield from members(file, part=part, limit=limit)
        return
    with _readable(getattr(deb, "name", "package")):
        member = _found(deb, part)
        stream = _unpacked(io.BufferedReader(_Window(deb, member.offset, member.size)), member.name)
        bounded = cast("IO[bytes]", _Bounded(stream, limit))  # tarfile only reads from it
        with tarfile.open(fileobj=bounded, mode="r|", bufsize=1 << 18) as archive:
            for entry in archive:
                yield entry, archive.extractfile(entry) if entry.isreg() else None


@contextmanager
def _readable(name: object) -> Iterator[None]:
    """Say of every way in which a package can be broken that it is broken."""
    broken = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, UnicodeError, ValueError)
    try:
        yield
    except TamperedError as error:
        raise TamperedError(f"{str(name)!r} is not a Debian package: {error.message}") from error
    except (*broken, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's own failure, not the package's
        raise TamperedError(f"{str(name)!r} is a broken Debian package: {error}") from error


def _found(file: BinaryIO, part: str) -> ar.Member:
    """The member that holds data.tar.* or control.tar.*."""
    found = list(ar.members(file))
    if not found or found[0].name != "debian-binary":
        raise TamperedError("it does not begin with 'debian-binary'")
    for member in found:
        if member.name.partition(".tar")[0] == part:
            return member
    raise TamperedError(f"it has no {part}.tar")


def _unpacked(packed: io.BufferedReader, name: str) -> IO[bytes]:
    """The tar within, by the ending of its name; the libraries let other threads run meanwhile."""
    match name.rpartition(".tar")[2]:
        case "":
            return packed
        case ".xz":
            return lzma.open(packed)
        case ".gz":
            import gzip

            return cast("IO[bytes]", gzip.open(packed))
        case ".zst":
            return cast("IO[bytes]", _Zstd(packed))
        case ending:
            raise TamperedError(f"its compression {ending!r} is not known")


class _Window(io.RawIOBase):
    """A stretch of a seekable file as a file of its own."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file = file
        self._left = size
        file.seek(offset)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer
        block = self._file.read(min(len(buffer), self._left))
        if not block and self._left:
            raise EOFError("it is cut off")
        buffer[: len(block)] = block
        self._left -= len(block)
        return len(block)


class _Zstd:
    """Unpacks zstd, with an error of ours for what is none."""

    def __init__(self, packed: io.BufferedReader) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._stream = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)

    def read(self, size: int) -> bytes:
        """What _Bounded asks for."""
        try:
            return self._stream.read(size)
        except self._error as error:
            raise ValueError(str(error)) from error


class _Bounded:
    """Reads on, up to a limit: a small file must not unpack to a disk full."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int) -> bytes:
        """What tarfile asks for."""
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise TamperedError("it unpacks to more than is sane")
        return block
