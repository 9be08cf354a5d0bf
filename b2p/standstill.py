"""A machine that QEMU has paused since this computer's disk took nothing, and how it goes on.

The guest does not notice: what it wrote is kept, and tried again when it goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.errors import HostError
from b2p.host import computer

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.report import Report
    from b2p.status import Status

RUN_STATE = "io-error"
"""QEMU's word for it."""
NEEDED_BYTES = 64 << 20
"""With less room it would stop again at once."""
AGAIN_SECONDS = 0.5
"""What is written again fails within that time, or was written."""


def told(name: str, disk: Path) -> tuple[str, str]:
    """The problem, and the remedy."""
    return (
        f"{str(disk)!r} takes nothing: this computer's disk is full (or broken)",
        f"make room at {str(disk.parent)!r}, then it goes on with 'b2p up {name}'",
    )


def end(found: Status, report: Report) -> None:
    """Let it go on; raises HostError where there is no room yet."""
    from b2p.control.monitor import Monitor

    folder = found.files.data_disk.parent
    if computer.free_bytes(folder) < NEEDED_BYTES:
        raise _still(found)
    with Monitor(found.files.qmp) as monitor:
        monitor.execute("cont")
        if monitor.wait_for("STOP", timeout=AGAIN_SECONDS):
            raise _still(found)
    report.note(f"machine {found.name!r} goes on: there is room at {str(folder)!r} again")


def _still(found: Status) -> HostError:
    return HostError(f"machine {found.name!r} stands still: {found.problem}", found.remedy)
