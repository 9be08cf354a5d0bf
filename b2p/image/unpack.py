"""Packed images (.xz, .gz, .bz2, .zst) unpacked in one pass, with holes where there are zeros."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from b2p.errors import TamperedError
from b2p.partfile import explained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from b2p.report import Task

Packing = Literal["xz", "gz", "bz2", "zst"]

_MAGIC: tuple[tuple[bytes, Packing], ...] = (
    (b"\xfd7zXZ\0", "xz"),
    (b"\x1f\x8b\x08", "gz"),
    (b"BZh", "bz2"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
_BLOCK = 1 << 20
_ZEROS = bytes(_BLOCK)


def packing(head: bytes) -> Packing | None:
    """How a file that begins so is packed; None where it is not."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def unpack(packed: Path, target: Path, how: Packing, task: Task) -> None:
    """Unpack `packed` to `target`; raises TamperedError where it is broken, HostError otherwise.

    `task` counts the packed bytes: how many there will be unpacked is not known before.
    """
    with explained(target), packed.open("rb") as file, target.open("wb") as out:
        task.expect(packed.stat().st_size)
        try:
            with _opened(file, how) as source:
                _copy(source, out, _Counting(file, task))
            if how == "zst" and out.tell() < _promised(file):
                raise _broken(packed, "it is cut off")
        except _errors() as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise _broken(packed, str(error) or "it is cut off") from error


def _broken(packed: Path, why: str) -> TamperedError:
    return TamperedError(f"{packed.name!r} cannot be unpacked: {why}", "fetch it again")


def _promised(file: BinaryIO) -> int:
    """Bytes that the frame says to hold, 0 where it does not: zstandard bears a sudden end."""
    import zstandard

    file.seek(0)
    size: int = zstandard.frame_content_size(file.read(18))
    return size


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Counting:
    """Tells the task how far the packed file has been read."""

    def __init__(self, file: BinaryIO, task: Task) -> None:
        self._file = file
        self._task = task
        self._at = 0

    def look(self) -> None:
        """Tell what is new."""
        at = self._file.tell()
        self._task.advance(at - self._at)
        self._at = at


def _copy(source: _Source, out: BinaryIO, counting: _Counting) -> None:
    while block := source.read(_BLOCK):
        # A cloud image is mostly empty: holes cost neither time nor room.
        if block == _ZEROS[: len(block)]:
            out.seek(len(block), 1)
        else:
            out.write(block)
        counting.look()
    out.truncate()


@contextmanager
def _opened(file: BinaryIO, how: Packing) -> Iterator[_Source]:
    import bz2
    import gzip
    import lzma

    match how:
        case "xz":
            with lzma.open(file) as source:
                yield source
        case "gz":
            with gzip.open(file) as source:
                yield source
        case "bz2":
            with bz2.open(file) as source:
                yield source
        case "zst":
            import zstandard

            unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
            with unpacker.stream_reader(file, read_across_frames=True, closefd=False) as source:
                yield source


def _errors() -> tuple[type[Exception], ...]:
    import lzma
    import zlib

    import zstandard

    # gzip and bz2 raise OSError, without a number, for what is broken.
    return (EOFError, OSError, lzma.LZMAError, zlib.error, zstandard.ZstdError)
