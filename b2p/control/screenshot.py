"""A picture of a machine's screen, for guests whose serial console says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.control.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.control.monitor import Monitor


def take(monitor: Monitor, path: Path) -> Path:
    """Write what the screen shows as a PNG to `path`, or where QEMU has no PNG as a .ppm beside it.

    Returns the file. Raises RefusedError where the machine has no screen.
    """
    try:
        monitor.execute("screendump", {"filename": str(path), "format": "png"})
    except RefusedError as error:
        # A QEMU built without libpng, or before 7.1, which knows no formats.
        if "png" not in error.message.lower() and "format" not in error.message.lower():
            raise
        path = path.with_suffix(".ppm")
        monitor.execute("screendump", {"filename": str(path)})
    return path
