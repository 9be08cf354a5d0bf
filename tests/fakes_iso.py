"""Small ISOs and disks for tests, made as those of the families are laid out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

X86_KERNEL = b"\0" * 0x202 + b"HdrS\x0f\x02" + b"\0" * 0x2E + b"\x3f" + b"\0" * 100
MENU = b"default a\nlabel a\nkernel /boot/vmlinuz64\ninitrd /boot/core.gz\nappend loglevel=3\n"


def iso(
    path: Path,
    files: Mapping[str, bytes] | None = None,
    *,
    label: str = "Boot2Podman-v0.26",
    rock_ridge: bool = True,
) -> Path:
    """An ISO at `path`; without `files` one that boots as Tiny Core does."""
    import pycdlib

    chosen = files or {
        "/boot/isolinux/isolinux.cfg": MENU,
        "/boot/isolinux/isolinux.bin": b"loader",
        "/boot/vmlinuz64": X86_KERNEL,
        "/boot/core.gz": b"initrd",
    }
    made: Any = pycdlib.PyCdlib()
    made.new(interchange_level=3, vol_ident=label, rock_ridge="1.09" if rock_ridge else None)
    folders: set[str] = set()
    for name, content in chosen.items():
        _folders(made, name, folders, rock_ridge=rock_ridge)
        named = {"rr_name": name.rsplit("/", 1)[1]} if rock_ridge else {}
        made.add_fp(io.BytesIO(content), len(content), f"{name.upper()};1", **named)
    if loader := next((name for name in chosen if name.endswith("isolinux.bin")), ""):
        made.add_eltorito(f"{loader.upper()};1", "/BOOT.CAT;1", boot_load_size=4)
    made.write(str(path))
    made.close()
    return path


def _folders(made: Any, name: str, known: set[str], *, rock_ridge: bool) -> None:
    parts = name.split("/")[1:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:depth])
        if folder not in known:
            named = {"rr_name": parts[depth - 1]} if rock_ridge else {}
            made.add_directory(folder.upper(), **named)
            known.add(folder)
