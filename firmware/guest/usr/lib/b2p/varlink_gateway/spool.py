"""The one directory whose files callers can name. To them it is the root of all paths.

Folders are entered one by one and no link is followed, so that nothing leads out, not even what
somebody changes in between.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import Self

from .errors import error_occurred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

DIRECTORY = "/var/lib/containers/varlink"
DAY = 86400
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Spool:
    """Files on the data disk, for root alone; what nobody fetched is swept after a day."""

    def __init__(self, directory: str = DIRECTORY) -> None:
        self.directory = directory

    def prepare(self) -> None:
        """Makes the directory; sweeps what an older run left in it."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        sweep(self.directory, time.time() - DAY)

    def parts(self, path: str) -> list[str]:
        """A caller's path as names below the spool: `/tmp/a.tar` is tmp/a.tar in it."""
        names = path.removeprefix(self.directory + "/").split("/")
        names = [name for name in names if name not in ("", ".")]
        if not names or ".." in names or "\0" in path:
            raise error_occurred(f"{path!r} is no path inside the spool {self.directory!r}")
        return names

    def open(self, path: str) -> BinaryIO:
        """A file that must be there, to be read."""
        *folders, name = self.parts(path)
        try:
            folder = self._enter(folders, make=False)
            try:
                file = os.open(name, READ, dir_fd=folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _explained(error, path) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise error_occurred(f"{path!r} is no file in the spool")
        return os.fdopen(file, "rb")

    def remove(self, path: str) -> None:
        """Removes a file."""
        *folders, name = self.parts(path)
        folder = self._enter(folders, make=False)
        try:
            os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)

    def draft(self, path: str = "", *, suffix: str = "") -> Draft:
        """A file to be written, with the folders above it; no path makes a name of our own."""
        *folders, name = self.parts(path) if path else [f"varlink-{os.urandom(8).hex()}{suffix}"]
        try:
            return Draft(self._enter(folders, make=True), name, self._full(folders, name))
        except OSError as error:
            raise _explained(error, path) from error

    @contextmanager
    def folder(self, path: str) -> Iterator[str]:
        """A folder, made when it is missing, under a name that holds while it is used."""
        try:
            folder = self._enter(self.parts(path), make=True)
        except OSError as error:
            raise _explained(error, path) from error
        try:
            yield f"/proc/self/fd/{folder}"
        finally:
            os.close(folder)

    def _full(self, folders: list[str], name: str) -> str:
        return os.path.join(self.directory, *folders, name)

    def _enter(self, folders: list[str], *, make: bool) -> int:
        """A descriptor of the innermost folder."""
        if make:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
        folder = os.open(self.directory, FOLDER)
        for name in folders:
            try:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=folder)
                inner = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            finally:
                os.close(folder)
            folder = inner
        return folder


class Draft:
    """A file that is being written; it takes its name once it is whole, and is gone otherwise."""

    def __init__(self, folder: int, name: str, path: str) -> None:
        self.path = path
        self._folder = folder
        self._name = name
        self._working = f".part-{os.urandom(8).hex()}"
        self._open = True
        try:
            self.file = os.fdopen(os.open(self._working, WRITE, 0o600, dir_fd=folder), "wb")
        except OSError:
            os.close(folder)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.keep()
        finally:
            self.drop()

    def reserve(self, length: int) -> None:
        """Takes the room that is needed; fails for the lack of it before the first byte comes."""
        if length:
            os.posix_fallocate(self.file.fileno(), 0, length)

    def keep(self) -> None:
        """The file is whole."""
        self.file.close()
        os.rename(self._working, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def drop(self) -> None:
        """Lets go of it; removes what was not kept."""
        if not self._open:
            return
        self._open = False
        with suppress(OSError):
            self.file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._working, dir_fd=self._folder)
        os.close(self._folder)


def _explained(error: OSError, path: str) -> Exception:
    if error.errno == errno.ENOENT:
        return error_occurred(f"no file {path!r} in the spool; bring it with SendFile first")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return error_occurred(f"{path!r} leads out of the spool, or through a file")
    return error


def sweep(directory: str, before: float) -> None:
    """Removes the files that were last written before a time, and folders that are empty then."""
    for folder, _, names in os.walk(directory, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if os.lstat(path).st_mtime < before:
                os.unlink(path)
        if folder != directory:
            with suppress(OSError):  # something is still in it
                os.rmdir(folder)
