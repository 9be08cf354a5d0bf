"""The story of `b2p scratch`: an engine for one command, of which nothing is left."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p import sweep
from b2p.client import env
from b2p.host import process
from b2p.start import Start
from b2p.store import lock, places
from b2p.ways import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout

NAME = "scratch"


def scratch(command: Sequence[str], settings: Settings, layout: Layout, report: Report) -> int:
    """Run a command whose environment leads to an engine of its own; the command's status.

    Raises B2PError where the machine does not come up.
    """
    layout = layout.throwaway()
    name = f"{NAME}-{secrets.token_hex(4)}"
    files = layout.machine(name)
    places.prepare(layout)
    with lock.hold(files.lock, command="b2p scratch") as held, ExitStack() as undo:
        undo.callback(held.discard)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        start = Start(Context(name, settings, layout, report), before=None, extra=(), now=now)
        undo.callback(sweep.end, files)
        start.done()
        for disk in files.disks:
            # QEMU has it open; with QEMU it is gone.
            disk.unlink(missing_ok=True)
        variables = env.throwaway(os.environ, files.podman)
        return process.hand_over(command, env=variables, ends_with_us=True)
