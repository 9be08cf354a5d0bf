"""Where the files are that run in a guest: in the wheel, or beside the package in a source tree."""

from __future__ import annotations

from pathlib import Path

from b2p.errors import HostError


def directory() -> Path:
    """The firmware directory of this b2p."""
    package = Path(__file__).parent
    for place in (package / "firmware", package.parent / "firmware"):
        if place.is_dir():
            return place
    raise HostError(
        f"b2p's firmware is not at {str(package / 'firmware')!r}",
        "install b2p again: files of it are missing",
    )


def file(name: str) -> Path:
    """One file of the firmware by its path in there, such as "probe/x86_64.bin"."""
    path = directory() / name
    if not path.is_file():
        raise HostError(
            f"b2p's firmware has no {name!r}", "install b2p again: files of it are missing"
        )
    return path
