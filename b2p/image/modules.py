"""Kernel modules: which others one needs, read from the module itself, and the load order. Pure."""

from __future__ import annotations

import lzma
import re
from typing import TYPE_CHECKING

from b2p.errors import TamperedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# One end mark is the next one's begin mark, so it is looked at, not taken.
_DEPENDS = re.compile(rb"\0depends=([^\0]*)(?=\0)")
_SOFT_DEPENDS = re.compile(rb"\0softdep=pre: ([^\0]*?)(?= post:|\0)")
_LONGEST_MODULE = 64 << 20


def module_name(path: str) -> str:
    """The name of the module in that file: "…/virtio-blk.ko.xz" -> "virtio_blk"."""
    return path.rsplit("/", 1)[-1].split(".ko", 1)[0].replace("-", "_")


def plain_module(path: str, data: bytes) -> bytes:
    """The module as insmod of busybox takes it: not compressed."""
    if not path.endswith(".xz"):
        return data
    try:
        return lzma.LZMADecompressor().decompress(data, max_length=_LONGEST_MODULE)
    except lzma.LZMAError as error:
        raise TamperedError(
            f"the kernel's module {path!r} cannot be unpacked: {error}",
            "try again, or report this kernel",
        ) from error


def needs(module: bytes) -> list[str]:
    """Names of the modules that must be loaded before this one (.modinfo of the ELF file)."""
    found = _DEPENDS.search(module)
    names = found[1].decode("ascii", "replace").split(",") if found else []
    for soft in _SOFT_DEPENDS.finditer(module):
        names += soft[1].decode("ascii", "replace").split()
    return [name.replace("-", "_") for name in names if name]


def load_order(wanted: Iterable[str], modules: Mapping[str, bytes]) -> list[str]:
    """The wanted modules and what they need, each after its own needs.

    `modules` maps names to plain module files; a wanted name that is not there raises
    TamperedError, a need that is not there is taken to be built into the kernel.
    """
    order: list[str] = []
    for name in wanted:
        if name not in modules:
            raise TamperedError(
                f"the kernel package has no module {name!r}", "try again, or report this kernel"
            )
        _append(name, modules, order, set())
    return order


def _append(name: str, modules: Mapping[str, bytes], order: list[str], waiting: set[str]) -> None:
    """`waiting` are those whose needs are being looked at: soft ones may go round in a circle."""
    if name in order or name not in modules or name in waiting:
        return
    for need in needs(modules[name]):
        _append(need, modules, order, waiting | {name})
    order.append(name)
