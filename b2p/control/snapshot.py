"""A machine's memory and devices to a file and back, over QEMU's monitor.

By `mapped-ram`: each page has its place in a sparse file, and pages of zeros take none. Why not by
memory that lies in a file from the start: docs/resume.md.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from b2p.control.errors import RefusedError, SilentError
from b2p.errors import B2PError

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.control.monitor import Monitor

SECONDS = 180.0
"""For writing or reading the whole of a large machine on a slow disk."""
UNLIMITED = 1 << 40
"""Bytes a second; unasked QEMU writes at most 128 MiB a second."""
WHOLE = ("mapped-ram", "multifd", "events")
"""Multifd: two threads look for pages that hold something, which is most of the work."""
DEVICES = ("x-ignore-shared", "events")
"""All but the memory, which lies in a file that QEMU shares already."""


def save(monitor: Monitor, path: Path) -> None:
    """Stop the machine and write its state to `path`; it stays stopped.

    Raises RefusedError with QEMU's reason; whoever called then has to `abandon`.
    """
    _save(monitor, path, WHOLE)


def save_devices(monitor: Monitor, path: Path) -> None:
    """As `save`, where the machine's memory lies in a shared file: all that is not in it."""
    _save(monitor, path, DEVICES)


def load(monitor: Monitor, path: Path) -> None:
    """Read a state into a QEMU that waits for one; it stays stopped. Raises RefusedError."""
    _load(monitor, path, WHOLE)


def load_devices(monitor: Monitor, path: Path) -> None:
    """As `load`, into a QEMU that was given the memory as a file."""
    _load(monitor, path, DEVICES)


def _save(monitor: Monitor, path: Path, capabilities: tuple[str, ...]) -> None:
    monitor.execute("stop")
    _prepare(monitor, capabilities)
    monitor.execute("migrate", {"uri": f"file:{path}"})
    _completed(monitor)


def _load(monitor: Monitor, path: Path, capabilities: tuple[str, ...]) -> None:
    _prepare(monitor, capabilities)
    # Else a QEMU that dislikes the state ends, and its reason is lost.
    monitor.execute("migrate-incoming", {"uri": f"file:{path}", "exit-on-error": False})
    _completed(monitor)


def go_on(monitor: Monitor) -> None:
    """Let a stopped machine run."""
    monitor.execute("cont")


def abandon(monitor: Monitor) -> None:
    """A save that failed or was broken off: the machine runs on as if nothing had been."""
    with contextlib.suppress(B2PError):
        monitor.execute("migrate_cancel")
    go_on(monitor)


def _prepare(monitor: Monitor, capabilities: tuple[str, ...]) -> None:
    # Each is said, on or off: QEMU keeps those by which the machine was loaded.
    states = [
        {"capability": name, "state": name in capabilities}
        for name in dict.fromkeys((*WHOLE, *DEVICES))
    ]
    monitor.execute("migrate-set-capabilities", {"capabilities": states})
    monitor.execute("migrate-set-parameters", {"max-bandwidth": UNLIMITED})


def _completed(monitor: Monitor) -> None:
    """Wait for the end of it."""
    while event := monitor.wait_for("MIGRATION", timeout=SECONDS):
        match event["data"]["status"]:
            case "completed":
                return
            case "failed" | "cancelled":
                found = monitor.execute("query-migrate")
                raise RefusedError(str(found.get("error-desc", "qemu does not say why")))
    raise SilentError(f"qemu is not done with the state after {SECONDS:g} s")
