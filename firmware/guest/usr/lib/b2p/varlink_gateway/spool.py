"""The one directory whose files callers can name. To them it is the root of all paths."""

from __future__ import annotations

import os
import tempfile
import time

from .errors import error_occurred

DIRECTORY = "/var/lib/containers/varlink"
DAY = 86400


class Spool:
    """Files on the data disk, for root alone; what nobody fetched is swept after a day."""

    def __init__(self, directory: str = DIRECTORY) -> None:
        self.directory = directory

    def prepare(self) -> None:
        """Makes the directory; sweeps what an older run left in it."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        sweep(self.directory, time.time() - DAY)

    def inside(self, path: str) -> str:
        """Where a caller's path lies: `/tmp/a.tar` is tmp/a.tar in the spool. Nothing leads out."""
        parts = self._relative(path).split("/")
        parts = [part for part in parts if part not in ("", ".")]
        if not parts or ".." in parts or "\0" in path:
            raise error_occurred(f"{path!r} is no path inside the spool {self.directory!r}")
        full = os.path.join(self.directory, *parts)
        real = os.path.realpath(self.directory)
        if not os.path.realpath(full).startswith(real + os.sep):
            raise error_occurred(f"{path!r} leads out of the spool {self.directory!r}")
        return full

    def existing(self, path: str) -> str:
        """As `inside`, for a file that must be there."""
        full = self.inside(path)
        if not os.path.isfile(full):
            raise error_occurred(f"no file {path!r} in the spool; bring it with SendFile first")
        return full

    def target(self, path: str) -> str:
        """As `inside`, for a file to be written; makes the folders above it."""
        full = self.inside(path)
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        os.makedirs(os.path.dirname(full), mode=0o700, exist_ok=True)
        if os.path.isdir(full):
            raise error_occurred(f"{path!r} is a folder in the spool")
        return full

    def new(self, suffix: str = "") -> str:
        """A new, empty file of our own naming."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        descriptor, path = tempfile.mkstemp(suffix, "varlink-", self.directory)
        os.close(descriptor)
        return path

    def _relative(self, path: str) -> str:
        prefix = self.directory + "/"
        return path.removeprefix(prefix)


def sweep(directory: str, before: float) -> None:
    """Removes the files that were last written before a time, and folders that are empty then."""
    for folder, _, names in os.walk(directory, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if os.lstat(path).st_mtime < before:
                os.unlink(path)
        if folder != directory:
            try:
                os.rmdir(folder)
            except OSError:
                pass  # something is still in it
