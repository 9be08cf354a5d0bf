"""The "format-me" disk: a tar at the start of an empty disk, kept and unpacked by the guest. Pure.

The guest looks at the first bytes only, finds the name of the first entry there, saves as much as
its window takes, makes a file system where the tar was, and unpacks what it saved into the user's
home at every boot.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from b2p.errors import UsageError

if TYPE_CHECKING:
    from b2p.families.model import UserdataDisk
    from b2p.provision.told import Told

_BLOCK = tarfile.BLOCKSIZE
NAMES = (".ssh/authorized_keys", ".ssh/authorized_keys2")


def disk_start(disk: UserdataDisk, told: Told) -> bytes:
    """The first bytes of the disk, as many as the guest saves; what follows them is zeros.

    Of a key too long to be there twice one copy is written: sshd reads the first name anyway.
    """
    body = told.authorized_keys.encode()
    for copies in range(disk.copies, 0, -1):
        archive = _archive(disk.magic, body, NAMES[:copies])
        if len(archive) <= disk.window:
            return archive.ljust(disk.window, b"\0")
    raise UsageError(
        f"the ssh keys take {len(body)} bytes, and the guest keeps no more than"
        f" {longest(disk)} of them",
        "use one ed25519 key: ssh-keygen -t ed25519",
    )


def longest(disk: UserdataDisk, copies: int = 1) -> int:
    """Bytes of keys that fit in so many copies."""
    fixed = 3 * _BLOCK  # the magic's header and body, the directory's header
    return ((disk.window - fixed) // copies - _BLOCK) // _BLOCK * _BLOCK


def _archive(magic: str, body: bytes, names: tuple[str, ...]) -> bytes:
    """The entries in the order that guests rely on, without the padding to a whole record."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, magic, magic.encode(), 0o644)
        directory = tarfile.TarInfo(".ssh")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o700
        archive.addfile(directory)
        for name in names:
            _add(archive, name, body, 0o644)
        end = archive.offset
    return out.getvalue()[:end]


def _add(archive: tarfile.TarFile, name: str, body: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(body), mode
    archive.addfile(entry, io.BytesIO(body))
