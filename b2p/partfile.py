"""Unfinished downloads on the disk: one `.part` a file, locked, resumed, renamed when proven."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from b2p.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from b2p.threads import Halt

_STALLED = 20.0
"""Seconds without growth after which somebody else's download is no longer waited for."""

_BLOCK = 1 << 20


class Part:
    """The bytes of one file so far, with their digest; `path` is None for one in memory."""

    def __init__(self, file: BinaryIO, path: Path | None = None) -> None:
        self._file = file
        self.path = path
        self.size = 0
        self._digests = {"sha256": hashlib.sha256()}
        self.tag: tuple[str, str] | None = _tag(path)
        """The URL of the last answer and its ETag."""
        self._read_again()

    def watch(self, names: Iterable[str]) -> None:
        """Compute these digests as well."""
        wanted = {"sha256", *names}
        if wanted != self._digests.keys():
            self._digests = {name: hashlib.new(name) for name in wanted}
            self._read_again()

    def hexdigest(self, name: str) -> str:
        """A digest of all that is there; sha256, or one that is watched."""
        return self._digests[name].hexdigest()

    def is_of(self, urls: Sequence[str]) -> bool:
        """Whether it was begun from one of these addresses, which can tell whether it changed."""
        return self.tag is not None and self.tag[0] in urls

    def _read_again(self) -> None:
        self.size = 0
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            self._count(block)

    def _count(self, block: bytes) -> None:
        for digest in self._digests.values():
            digest.update(block)
        self.size += len(block)

    def remember(self, tag: tuple[str, str] | None, *, kept: bool = False) -> None:
        """Keep the URL and ETag; with `kept` also for the next run."""
        if tag != self.tag and self.path is not None:
            if kept and tag:
                _tag_file(self.path).write_text("\n".join(tag))
            else:
                _tag_file(self.path).unlink(missing_ok=True)
        self.tag = tag

    def write(self, block: bytes) -> None:
        """Add to the end."""
        self._file.write(block)
        self._count(block)

    def content(self) -> bytes:
        """All of it; for parts in memory."""
        self._file.seek(0)
        return self._file.read()

    def restart(self) -> None:
        """Forget what is there."""
        self._file.seek(0)
        self._file.truncate(0)
        self.size = 0
        self._digests = {name: hashlib.new(name) for name in self._digests}
        self.remember(None)

    def commit(self, target: Path) -> None:
        """Give the file its name, all at once."""
        self._file.flush()
        if self.path is not None:
            self.path.replace(target)
            _tag_file(self.path).unlink(missing_ok=True)


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _tag(part: Path | None) -> tuple[str, str] | None:
    """The URL and ETag that an earlier run kept beside its part."""
    try:
        url, tag = _tag_file(part).read_text().split("\n") if part else ("", "")
    except (OSError, ValueError):
        return None
    return (url, tag) if tag else None


def memory_part() -> Part:
    """A part that is never written to a disk."""
    return Part(io.BytesIO())


@contextmanager
def reserved(target: Path, halt: Halt) -> Iterator[Part | None]:
    """The `.part` of the target, ours alone; None when somebody else finished the target.

    Whoever comes second waits while the first one's file grows, and takes a file of its own
    name when that one stalls: nobody ever writes into another's part.
    """
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        file, path = _opened(target, halt)
    if file is None:
        yield None
        return
    try:
        with explained(target):
            yield Part(file, path)
    finally:
        with explained(target):
            file.close()
        if path.name.startswith("."):  # nobody would find and resume it
            path.unlink(missing_ok=True)
            _tag_file(path).unlink(missing_ok=True)


def _opened(target: Path, halt: Halt) -> tuple[BinaryIO | None, Path]:
    """The part's file under its lock, or None when the target is there by now."""
    path = target.with_name(target.name + ".part")
    grown, since = -1, time.monotonic()
    waited = False
    while True:
        file = path.open("a+b")
        if _locked(file):
            # The holder before us may have renamed this very file: then it is not the part.
            if _is_named(file, path):
                if not waited or not target.exists():
                    return file, path
                # Made by us, after the holder had finished the target.
                path.unlink()
            file.close()
        else:
            size = os.fstat(file.fileno()).st_size
            file.close()
            if size != grown:
                grown, since = size, time.monotonic()
            elif time.monotonic() - since > _STALLED:
                own = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
                return own.open("w+b"), own
            halt.wait(0.05)
        waited = True
        if target.exists():
            return None, path


def _is_named(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _locked(file: BinaryIO) -> bool:
    """Whether the lock is ours now; where the file system knows none, it is."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
    return True


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turn what the disk refuses into an error that a person can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HostError(
                f"the disk is full: no room for {target.name!r} in {str(target.parent)!r}",
                "free some space there and run the command again; it goes on where it stopped",
            ) from error
        raise HostError(
            f"cannot write {str(target)!r}: {error.strerror or error}",
            "check that the directory belongs to you and is writable",
        ) from error
