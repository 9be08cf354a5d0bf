"""A machine that runs is told what may have changed around it since it was told last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from b2p import identity
from b2p.errors import B2PError

if TYPE_CHECKING:
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

ANSWER_SECONDS = 30.0
"""The engine is started anew where its registries or certificates changed."""


def again(settings: Settings, record: Record, files: MachineFiles, report: Report) -> None:
    """Clock, time zone, registries, certificates; raises UsageError for what is wrong here.

    Not the proxies: `up` may be said in a shell that knows of none.
    """
    if record.family:
        # Without b2p's agent nobody listens.
        return
    told = {"time": time.time(), **identity.around(settings, record.engine)}
    told["idle_suspend"] = record.idle_suspend
    del told["proxies"]
    _tell(files, told, report, "its clock and registries")


def whole(layout: Layout, settings: Settings, record: Record, report: Report) -> bool:
    """Who it is, where that may never have been said; whether it has heard it."""
    if record.family:
        return True
    told = identity.whole(layout, record, settings)
    return _tell(layout.machine(record.name), told, report, "its name and keys")


def of_idleness(record: Record, files: MachineFiles, report: Report) -> None:
    """After how long it is suspended when nobody needs it."""
    _tell(files, {"idle_suspend": record.idle_suspend}, report, "its idle_suspend")


def _tell(files: MachineFiles, told: dict[str, Any], report: Report, what: str) -> bool:
    from b2p.control.guest import GuestPort

    try:
        with GuestPort(files.control) as port:
            port.ask("identity", timeout=ANSWER_SECONDS, **told)
    except B2PError as error:
        report.warn(
            f"the machine was not told of {what}: {error.message}",
            "restart it: b2p down, then b2p up",
        )
        return False
    return True
