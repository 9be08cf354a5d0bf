"""A small archive appended to a guest's initrd: files that are there before anything starts. Pure.

Where the initrd is the guest's root they simply lie there. Where it hands over to another root a
hook of dracut's copies them, for which they lie in a directory of their own.
"""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from b2p.formats.cpio import ALIGNED, Writer
from b2p.provision import contents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from b2p.families.model import Family, KernelInside
    from b2p.provision.told import Told

_DRACUT_ROOT = "b2p/root"
_DRACUT_HOOK = "usr/lib/dracut/hooks/pre-pivot/90-b2p.sh"

# The labels are set here, since an enforcing guest lets nobody read files without one.
_HOOK = """\
#!/bin/sh
cp -a /{root}/. "$NEWROOT"/
contexts=/etc/selinux/targeted/contexts/files/file_contexts
if [ -x "$NEWROOT/usr/sbin/setfiles" ] && [ -e "$NEWROOT$contexts" ]; then
    chroot "$NEWROOT" /usr/sbin/setfiles -F "$contexts" {paths}
fi
"""


def overlay(family: Family, boot: KernelInside, told: Told) -> bytes:
    """The archive; empty where the family's initrd takes none, or there is nothing to bring."""
    files = _root_files(family, told)
    if boot.overlay == "none" or not files:
        return b""
    if boot.overlay == "root":
        return _archive(files, _links(family), under="")
    paths = " ".join(f"'{file.path}'" for file in files)
    hook = contents.GuestFile(
        f"/{_DRACUT_HOOK}", _HOOK.format(root=_DRACUT_ROOT, paths=paths), 0o755
    )
    inner = [
        contents.GuestFile(f"/{_DRACUT_ROOT}{file.path}", file.text, file.mode) for file in files
    ]
    return _archive([hook, *inner], _links(family), under=f"/{_DRACUT_ROOT}")


def joined(archives: Iterable[bytes]) -> bytes:
    """Initrds end to end, as the kernel takes them; packed and plain ones may be mixed."""
    return b"".join(archive + bytes(-len(archive) % ALIGNED) for archive in archives)


def _root_files(family: Family, told: Told) -> list[contents.GuestFile]:
    units = contents.units(family)
    return [
        *contents.files(family, told),
        *(contents.GuestFile(f"{family.places.units}/{unit.name}", unit.text) for unit in units),
    ]


def _links(family: Family) -> list[tuple[str, str]]:
    """What `systemctl enable` would have made of the forwarders' sockets and the engine's own."""
    ours = {unit.name for unit in contents.units(family)}
    directory = f"{family.places.units}/sockets.target.wants"
    return [
        (f"{directory}/{name}", f"../{name}" if name in ours else f"/usr/lib/systemd/system/{name}")
        for name in contents.enabled(family)
        if name.endswith(".socket")
    ]


def _archive(files: list[contents.GuestFile], links: list[tuple[str, str]], *, under: str) -> bytes:
    out = io.BytesIO()
    writer = Writer(out)
    placed = [(f"{under}{path}", target) for path, target in links]
    for directory in _parents([*(file.path for file in files), *(path for path, _ in placed)]):
        writer.directory(directory)
    for file in files:
        writer.file(file.path.lstrip("/"), file.text.encode(), file.mode)
    for path, target in placed:
        writer.symlink(path.lstrip("/"), target)
    writer.trailer()
    return out.getvalue()


def _parents(paths: Iterable[str]) -> list[str]:
    """Every directory above them, outermost first: the kernel makes none by itself."""
    found = {
        str(parent.relative_to("/"))
        for path in paths
        for parent in PurePosixPath(path).parents
        if str(parent) != "/"
    }
    return sorted(found, key=lambda name: (name.count("/"), name))
