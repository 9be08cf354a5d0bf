"""One b2p at a time changes a machine: a lock of the kernel's, which ends with its holder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.errors import BusyError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAUSE = 0.05
"""Seconds between two attempts."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: what it wrote into the file when it got it."""

    pid: int
    command: str
    since: float
    """Seconds since the epoch."""

    def __str__(self) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(self.since))
        return f"{self.command!r} (process {self.pid}, since {clock})"


class Lock:
    """A lock that is held; made by `hold`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def discard(self) -> None:
        """Remove the lock's file, still holding it: for `rm`. Who waits for it starts afresh."""
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def hold(
    path: Path,
    *,
    command: str,
    what: str = "",
    wait: float = 0.0,
    on_wait: Callable[[Holder | None], None] | None = None,
) -> Iterator[Lock]:
    """Hold the lock at `path` until the block ends.

    `command` is told to others who want it, and `what` the lock is for (else: the machine of the
    file's name). Waits up to `wait` seconds; `on_wait` is called once,
    with the holder where it is known, before the waiting. Raises BusyError when it stays held.
    """
    what = what or f"machine {path.name.removeprefix('.').removesuffix('.lock')!r}"
    descriptor = _acquired(path, what, wait=wait, on_wait=on_wait)
    try:
        _inscribe(descriptor, {"pid": os.getpid(), "command": command, "since": time.time()})
        yield Lock(path, descriptor)
    finally:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def holder(path: Path) -> Holder | None:
    """What the last holder wrote, where it is to be read and its process lives."""
    try:
        values = json.loads(path.read_bytes())
        found = Holder(int(values["pid"]), str(values["command"]), float(values["since"]))
        if found.pid < 1:
            return None
        os.kill(found.pid, 0)
    except PermissionError:
        return found
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return found


def _acquired(
    path: Path, what: str, *, wait: float, on_wait: Callable[[Holder | None], None] | None
) -> int:
    deadline = time.monotonic() + wait
    told = False
    while (descriptor := _attempt(path)) is None:
        if time.monotonic() >= deadline:
            raise _busy(path, what)
        if on_wait is not None and not told:
            on_wait(holder(path))
            told = True
        time.sleep(PAUSE)
    return descriptor


def _attempt(path: Path) -> int | None:
    """The locked file, or None while another holds it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StateError(
            f"cannot open the lock {str(path)!r}: {error.strerror or error}",
            "give yourself the right to write there",
        ) from error
    locked = False
    try:
        # A file that `rm` unlinked meanwhile can be locked too, but nobody else would see it.
        locked = _flocked(descriptor, path) and _is_at(descriptor, path)
    finally:
        if not locked:
            os.close(descriptor)
    return descriptor if locked else None


def _flocked(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EAGAIN}:
            return False
        raise StateError(
            f"cannot lock {str(path)!r}: {error.strerror or error}",
            "keep b2p's data on a file system that has locks (set XDG_DATA_HOME)",
        ) from error
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _inscribe(descriptor: int, values: dict[str, object]) -> None:
    """Write who we are; a full disk does not keep anybody from holding a lock."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(values).encode(), 0)


def _busy(path: Path, what: str) -> BusyError:
    found = holder(path)
    if found is None:
        return BusyError(f"{what} is being changed by another b2p", "try again later")
    return BusyError(
        f"{what} is being changed by {found}",
        f"wait until it is done, or end it: kill {found.pid}",
    )
