"""Writing cpio archives of the "newc" kind, as the kernel's initramfs and busybox read them.

Layout: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
"""

from __future__ import annotations

import io
import stat
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, BinaryIO

from b2p.errors import B2PError

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterable

ALIGNED = 4
"""Bytes: parts of an archive begin at such offsets, and so does a plain one behind another."""

_LINKS_AT = 38
"""Where in a header the number of links stands: after magic, inode, mode, uid and gid."""

_MOST = 0xFFFFFFFF

_NAME_LIMIT = 4096

_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class _Inode:
    """What all names of a file share."""

    number: int
    mode: int
    uid: int
    gid: int
    mtime: int


@dataclass(slots=True)
class _Written:
    """A regular file in the archive: where its header lies, how many names it has by now."""

    inode: _Inode
    offset: int
    links: int
    size: int


class Writer:
    """Entries of one archive, written as they come; parents are the caller's to write first.

    Names are cleaned ("./usr/bin/x" is "usr/bin/x"); modes are permissions with the setuid,
    setgid and sticky bits; owners are numbers; times are seconds since 1970. Without trailer()
    archives can be laid end to end, when each begins at the inode where the one before ended.
    """

    def __init__(self, out: BinaryIO, first_inode: int = 1) -> None:
        """`out` must be able to seek where hard links are written."""
        self._out = out
        self._next = first_inode
        self._files: dict[str, _Written] = {}

    @property
    def next_inode(self) -> int:
        """The first inode that this archive has not used."""
        return self._next

    def directory(
        self, name: str, mode: int = 0o755, *, uid: int = 0, gid: int = 0, mtime: int = 0
    ) -> None:
        """An empty directory."""
        self._entry(name, self._inode(stat.S_IFDIR | mode, uid, gid, mtime), links=2)

    def file(
        self,
        name: str,
        data: bytes | IO[bytes],
        mode: int = 0o644,
        *,
        size: int | None = None,
        uid: int = 0,
        gid: int = 0,
        mtime: int = 0,
    ) -> None:
        """A regular file; `size` must be told where the data is a stream."""
        if isinstance(data, bytes):
            size, data = len(data), io.BytesIO(data)
        if size is None or size > _MOST:
            raise B2PError(f"{name!r} does not fit into a cpio archive: {size} bytes")
        inode = self._inode(stat.S_IFREG | mode, uid, gid, mtime)
        offset = self._out.tell() if self._out.seekable() else -1
        self._files[clean(name)] = _Written(inode, offset, 1, size)
        self._entry(name, inode, size=size)
        self._copy(name, data, size)

    def symlink(
        self, name: str, target: str, *, uid: int = 0, gid: int = 0, mtime: int = 0
    ) -> None:
        """A symbolic link; the target is taken as it is."""
        path = _encoded(target)
        self._entry(name, self._inode(stat.S_IFLNK | 0o777, uid, gid, mtime), size=len(path))
        self._out.write(_padded(path))

    def device(
        self,
        name: str,
        mode: int,
        major: int,
        minor: int,
        *,
        uid: int = 0,
        gid: int = 0,
        mtime: int = 0,
    ) -> None:
        """A device; S_IFCHR or S_IFBLK in `mode` says of which kind."""
        self._entry(name, self._inode(mode, uid, gid, mtime), device=(major, minor))

    def fifo(
        self, name: str, mode: int = 0o644, *, uid: int = 0, gid: int = 0, mtime: int = 0
    ) -> None:
        """A named pipe."""
        self._entry(name, self._inode(stat.S_IFIFO | mode, uid, gid, mtime))

    def hardlink(self, name: str, target: str) -> None:
        """Another name of a regular file that was written before; the first one has the data."""
        written = self._files.get(clean(target))
        if written is None:
            raise B2PError(f"{name!r} is a hard link to {target!r}, which was not written")
        if written.size == 0:  # busybox cannot tell an empty first name from a later one
            self._entry(name, replace(written.inode, number=self._take()))
            return
        written.links += 1
        # Readers learn from the first header that more names will follow.
        end = self._out.tell()
        self._out.seek(written.offset + _LINKS_AT)
        self._out.write(b"%08X" % written.links)
        self._out.seek(end)
        self._entry(name, written.inode, links=written.links)

    def trailer(self) -> None:
        """End the archive; once, after the last of those laid end to end."""
        self._out.write(trailer())

    def _take(self) -> int:
        self._next += 1
        return self._next - 1

    def _inode(self, mode: int, uid: int, gid: int, mtime: int) -> _Inode:
        return _Inode(self._take(), mode, uid, gid, min(max(mtime, 0), _MOST))

    def _entry(
        self,
        name: str,
        inode: _Inode,
        *,
        links: int = 1,
        size: int = 0,
        device: tuple[int, int] = (0, 0),
    ) -> None:
        """The header and the name."""
        self._out.write(_header(clean(name), inode, links, size, device))

    def _copy(self, name: str, data: IO[bytes], size: int) -> None:
        """Exactly that many bytes of data, padded."""
        left = size
        while left:
            block = data.read(min(left, _BLOCK))
            if not block:
                raise B2PError(f"the data of {name!r} ends {left} bytes too early")
            self._out.write(block)
            left -= len(block)
        self._out.write(bytes(-size % ALIGNED))


def trailer() -> bytes:
    """The entry that ends an archive."""
    return _header("TRAILER!!!", _Inode(0, 0, 0, 0, 0), 1, 0, (0, 0))


def add_tar(
    writer: Writer,
    members: Iterable[tuple[tarfile.TarInfo, IO[bytes] | None]],
    keep: Callable[[str], bool],
    *,
    mtime: int | None = None,
) -> None:
    """Copy the entries of a tar (as deb.members gives them) whose clean name `keep` accepts.

    Owners are the tar's numbers; its names of owners say nothing here. A `mtime` given is taken
    for all. The root directory itself is left out.
    """
    for entry, data in members:
        name = clean(entry.name)
        if name and keep(name):
            _add(writer, name, entry, data, int(entry.mtime) if mtime is None else mtime)


def _add(
    writer: Writer, name: str, entry: tarfile.TarInfo, data: IO[bytes] | None, mtime: int
) -> None:
    """One entry of a tar, by its kind."""
    mode, uid, gid = entry.mode & 0o7777, entry.uid, entry.gid
    if data is not None:
        writer.file(name, data, mode, size=entry.size, uid=uid, gid=gid, mtime=mtime)
    elif entry.isdir():
        writer.directory(name, mode, uid=uid, gid=gid, mtime=mtime)
    elif entry.issym():
        writer.symlink(name, entry.linkname, uid=uid, gid=gid, mtime=mtime)
    elif entry.islnk():
        writer.hardlink(name, entry.linkname)
    elif entry.isfifo():
        writer.fifo(name, mode, uid=uid, gid=gid, mtime=mtime)
    elif entry.isdev():
        kind = stat.S_IFCHR if entry.ischr() else stat.S_IFBLK
        numbers = entry.devmajor, entry.devminor
        writer.device(name, kind | mode, *numbers, uid=uid, gid=gid, mtime=mtime)
    else:
        raise B2PError(f"{name!r} is of a kind that cpio does not know: {entry.type!r}")


def clean(name: str) -> str:
    """The name without leading and doubled dots and slashes; "" is the root itself.

    Raises B2PError for an absolute name and one that climbs out with "..".
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise B2PError(f"{name!r} would lie outside of the archive")
    return "/".join(parts)


def _header(name: str, inode: _Inode, links: int, size: int, device: tuple[int, int]) -> bytes:
    """Magic and 13 numbers of 8 hex digits, then the name with its zero, padded to 4 bytes."""
    path = _encoded(name) + b"\0"
    if not 1 < len(path) <= _NAME_LIMIT:
        raise B2PError(f"{name!r} cannot be a name in a cpio archive")
    owner = (inode.uid, inode.gid)
    numbers = (inode.number, inode.mode, *owner, links, inode.mtime, size, 0, 0, *device)
    fields = "".join(f"{number:08X}" for number in (*numbers, len(path), 0))
    return _padded(b"070701" + fields.encode() + path)


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _padded(block: bytes) -> bytes:
    return block + bytes(-len(block) % ALIGNED)
