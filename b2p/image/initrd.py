"""The small initrds: busybox, some kernel modules in load order, and an init. Pure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from b2p.formats.cpio import Writer
from b2p.image.modules import load_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def initrd(
    *,
    busybox: bytes,
    init: bytes,
    modules: Mapping[str, bytes],
    wanted: Iterable[str],
    more: Iterable[str] = (),
) -> bytes:
    """A newc archive whose /init loads the wanted modules (and what they need) in order.

    `modules` maps names to plain module files. `more` are there too, listed apart in modules/more,
    for an init that wants them at times. Not compressed: unpacking costs more than reading.
    """
    out = io.BytesIO()
    archive = Writer(out)
    for directory in ("bin", "dev", "modules", "proc", "sys"):
        archive.directory(directory, mode=0o755)
    order = load_order(wanted, modules)
    others = [name for name in load_order(more, modules) if name not in order]
    archive.file("init", init, mode=0o755)
    archive.file("bin/busybox", busybox, mode=0o755)
    for name in (*order, *others):
        archive.file(f"modules/{name}.ko", modules[name], mode=0o644)
    for listed, names in (("order", order), ("more", others)):
        text = "".join(f"{name}.ko\n" for name in names)
        archive.file(f"modules/{listed}", text.encode(), mode=0o644)
    archive.trailer()
    return out.getvalue()
