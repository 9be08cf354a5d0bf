"""Directories as a stream (tar) and back. Streams from a guest write nowhere but where asked."""

from __future__ import annotations

import copy
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from b2p.errors import GuestError, HostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from b2p.report import Task

STAGE = "cp"
PERMISSIONS = 0o777
"""What of a mode is taken over: no file becomes somebody else's to run as."""


def pack(top: Path, stream: Any, task: Task, warn: Callable[[str, str], None]) -> None:
    """Write all below `top`, and itself as "."; raises HostError where it cannot be read.

    Of links the link goes in, not what it leads to.
    """
    task.expect(sum(_size(path) for path in top.rglob("*")))

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
            warn(f"{member.name!r} is left out", "it is neither a file nor a directory nor a link")
            return None
        member.mode &= PERMISSIONS
        return member

    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        try:
            archive.add(str(top), arcname=".", filter=kept)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise HostError(
                f"cannot read {error.filename or str(top)!r}: {error.strerror or error}",
                "give yourself the right to read it, or leave it out",
            ) from error


def unpack(stream: Any, top: Path, warn: Callable[[str, str], None]) -> None:
    """Make what the stream holds below `top`, which is made; raises GuestError or HostError."""
    try:
        top.mkdir(exist_ok=True)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            _unpacked(archive, Path(os.path.realpath(top)), warn)
    except tarfile.TarError as error:
        raise GuestError(STAGE, f"what came is no archive: {error}", "try again") from error
    except OSError as error:
        raise HostError(
            f"cannot write {error.filename or str(top)!r}: {error.strerror or error}",
            "make room, or give yourself the right to write there",
        ) from error


def _unpacked(archive: tarfile.TarFile, top: Path, warn: Callable[[str, str], None]) -> None:
    # Ours are the checks: Python's own filters differ between versions, and some refuse links.
    archive.extraction_filter = lambda member, _path: member
    directories = []
    for found in archive:
        if not (found.isfile() or found.isdir() or found.issym() or found.islnk()):
            warn(f"{found.name!r} is left out", "it is neither a file nor a directory nor a link")
            continue
        member = _ours(found)
        place = _checked(top, member.name)
        # An absolute name would be joined as one.
        member.name = str(place.relative_to(top))
        # What is there already, made by this very stream perhaps, is never written through.
        if place != top and (place.is_symlink() or (place.exists() and not place.is_dir())):
            place.unlink()
        if member.isdir():
            directories.append((place, found.mode & PERMISSIONS, found.mtime))
            # Open to us as long as there is something to put into it.
            place.mkdir(mode=0o700, exist_ok=True)
            continue
        if place == top:
            raise _elsewhere(found.name)
        if member.issym() or member.islnk():
            _link(member, place, top)
        else:
            archive.extract(member, str(top))
    for place, mode, when in reversed(directories):
        place.chmod(mode)
        os.utime(place, (when, when))


def _ours(found: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same, to be made as ours: whoever it belongs to in the guest means nothing here."""
    member = copy.copy(found)
    member.mode &= PERMISSIONS
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    return member


def _checked(top: Path, name: str) -> Path:
    """Where it is to lie; raises GuestError where that is not below `top`."""
    parts = [part for part in PurePosixPath(name).parts if part != "/"]
    place = top.joinpath(*parts)
    real = Path(os.path.realpath(place.parent)) if parts else top
    if ".." in parts or not real.is_relative_to(top) or "\0" in name:
        raise _elsewhere(name)
    return place


def _link(member: tarfile.TarInfo, place: Path, top: Path) -> None:
    """Make a link; tarfile, where it cannot, would put a copy there of whatever kind it is."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        place.symlink_to(member.linkname)
    else:
        os.link(_linked(top, member.linkname), place, follow_symlinks=False)


def _linked(top: Path, name: str) -> Path:
    """The file that another name is asked for, which must have come before and be no link."""
    place = _checked(top, name)
    if place.is_symlink() or not place.is_file():
        raise GuestError(
            STAGE, f"the machine gave a link to {name!r}, which it did not give", "try again"
        )
    return place


def _elsewhere(name: str) -> GuestError:
    return GuestError(
        STAGE, f"the machine gave a file that would lie elsewhere: {name!r}", "trust it less"
    )


def _size(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError:
        return 0
    return found.st_size
