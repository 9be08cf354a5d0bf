"""Small files that are whole or not there at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from b2p.errors import StateError

PRIVATE = 0o600


def write(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Put `content` at `path`, replacing what was there in one step; the umask plays no part.

    Raises StateError when it cannot be written; then what was there before is untouched.
    """
    aside = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        aside = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _settle(path.parent)
    except BaseException as error:
        if aside is not None:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise StateError(
                f"cannot write {str(path)!r}: {error.strerror or error}",
                "make room on that disk, or give yourself the right to write there",
            ) from error
        raise


def remove(path: Path) -> None:
    """Remove a file for good, if it is there; raises OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _settle(path.parent)


def _settle(directory: Path) -> None:
    """Make a rename last through a power cut; some file systems cannot, and that is no failure."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
