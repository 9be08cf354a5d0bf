"""Who has a machine up for a while: the last one of them puts it back as the first one found it.

Each holds a file shared (flock), in which the first one wrote how the machine was. A process that
is killed lets go of it too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONGEST = 64
"""More than any word for a machine's state."""


def in_use(path: Path) -> bool:
    """Whether anybody has the machine up for a while."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class Use:
    """One who uses the machine, from now on until `left` or `leave`."""

    def __init__(self, path: Path, state: Callable[[], str]) -> None:
        """`state` is asked, for a word, where nobody else uses it; waits for one who leaves."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while (descriptor := self._entered(state)) is None:
            pass
        self._descriptor = descriptor

    @contextlib.contextmanager
    def left(self) -> Iterator[str]:
        """Leave: the block gets how the machine was, or "" while others use it still.

        Who comes meanwhile waits until the block ends.
        """
        try:
            if not self._is_alone():
                yield ""
                return
            try:
                yield os.pread(self._descriptor, LONGEST, 0).decode()
            finally:
                # Who waits for this one makes another.
                self._path.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)

    def leave(self) -> None:
        """Leave, and let the machine be."""
        with self.left():
            pass

    def _entered(self, state: Callable[[], str]) -> int | None:
        """The file, held; None where it was removed meanwhile."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        self._descriptor = descriptor = os.open(self._path, flags, 0o600)
        try:
            if self._is_alone():
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, state().encode(), 0)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            # Between two locks of ours somebody may have come and gone.
            if os.pread(descriptor, 1, 0) and self._is_there(descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def _is_alone(self) -> bool:
        """Whether nobody else holds the file; where others do, our own hold is gone too."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _is_there(self, descriptor: int) -> bool:
        try:
            there = self._path.lstat()
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(descriptor), there)
