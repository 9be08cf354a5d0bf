"""An engine of which nothing is left: for one block of Python, or for one command (`scratch`)."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p import sweep
from b2p.client import env
from b2p.host import process
from b2p.machine import engines
from b2p.start import Start
from b2p.store import lock, places
from b2p.store import record as records
from b2p.ways import Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout, MachineFiles

NAME = "scratch"
COMMAND = "b2p scratch"


@contextmanager
def engine(settings: Settings, layout: Layout, report: Report) -> Iterator[MachineFiles]:
    """A machine of its own, whose engine answers until the block ends.

    Raises B2PError where it does not come up.
    """
    layout = layout.throwaway()
    name = f"{NAME}-{secrets.token_hex(4)}"
    files = layout.machine(name)
    places.prepare(layout)
    with lock.hold(files.lock, command=COMMAND) as held, ExitStack() as undo:
        undo.callback(held.discard)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        start = Start(Context(name, settings, layout, report), before=None, extra=(), now=now)
        undo.callback(sweep.end, files)
        start.done()
        for disk in files.disks:
            # QEMU has it open; with QEMU it is gone.
            disk.unlink(missing_ok=True)
        yield files


def scratch(command: Sequence[str], settings: Settings, layout: Layout, report: Report) -> int:
    """Run a command whose environment leads to an engine of its own; the command's status.

    Raises B2PError where the machine does not come up.
    """
    with engine(settings, layout, report) as files:
        record = records.read(files.record)
        kind = engines.by_name(record.engine) if record else engines.PODMAN
        variables = env.throwaway(os.environ, files.podman, kind)
        return process.hand_over(command, env=variables, ends_with_us=True)
