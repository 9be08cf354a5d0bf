"""Kernel and initrds taken out of an ISO, for a boot without its own loader."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.errors import UsageError
from b2p.formats import cpio, iso9660
from b2p.partfile import explained

if TYPE_CHECKING:
    from b2p.formats.bootmenu import Choice
    from b2p.image.medium import Evidence

KERNEL = "kernel"
INITRD = "initrd"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """What QEMU boots itself."""

    kernel: Path
    initrd: Path | None
    """All initrds of the choice, one after the other, as a boot loader would load them."""


def choice_of(found: Evidence) -> Choice:
    """What the ISO's menu boots; UsageError where it has no Linux to boot directly."""
    if found.choice is None:
        raise UsageError(
            f"the ISO {found.file_name!r} has no menu that names a kernel",
            "it can only be booted through its own loader",
        )
    return found.choice


def taken_out(iso: Path, choice: Choice, home: Path, *, appended: bytes = b"") -> TakenOut:
    """The files at `home`, made there once. `appended` (a cpio) goes after the last initrd.

    Raises UsageError where the ISO lacks one of them.
    """
    if not home.is_dir():
        with explained(home):
            home.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=home.parent, prefix=".new-") as aside:
                made = Path(aside) / home.name
                made.mkdir()
                _extract(iso, choice, made, appended)
                with contextlib.suppress(OSError):  # another process was faster
                    made.rename(home)
    initrd = home / INITRD
    return TakenOut(kernel=home / KERNEL, initrd=initrd if initrd.exists() else None)


def _extract(iso: Path, choice: Choice, made: Path, appended: bytes) -> None:
    with iso9660.opened(iso) as found:
        with (made / KERNEL).open("wb") as file:
            found.extract(choice.kernel, file)
        if not choice.initrds and not appended:
            return
        with (made / INITRD).open("wb") as file:
            for path in choice.initrds:
                found.extract(path, file)
                # A cpio begins at a multiple of four, or the kernel takes it for rubbish.
                file.write(bytes(-file.tell() % cpio.ALIGNED))
            file.write(appended)
