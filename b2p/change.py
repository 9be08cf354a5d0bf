"""The story of `b2p set`: what was decided about a machine becomes something else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from b2p import decision, network, status, tell
from b2p.down import hold
from b2p.errors import UsageError
from b2p.host import computer
from b2p.machine.plan import check_memory
from b2p.store import places, saved
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout

KEYS = ("cpus", "memory", "disk", "accel", "varlink", "idle_suspend", "network")
"""What a machine keeps from one start to the next."""


def change(
    name: str,
    wishes: Settings,
    layout: Layout,
    report: Report,
    *,
    overruled: Mapping[str, str],
) -> None:
    """Decide anew what the wishes say, from the machine's next start on; a disk only grows.

    `overruled` are the keys of which somebody else, named there, says another thing at each start.
    Raises UsageError for what cannot be.
    """
    if not wishes.said:
        flags = ", ".join(f"--{key.replace('_', '-')}" for key in KEYS)
        raise UsageError("nothing to set", f"say what: {flags}")
    files = layout.machine(name)
    status.known(layout, name)
    places.prepare(layout)
    with hold(files, report, "b2p set"):
        before = status.known(layout, name)
        after = decision.changed(before, wishes, image=before.image, extra=None)
        check_memory(name, after.memory_mib, computer.memory_mib())
        told = decision.differences(before, wishes)
        if not told:
            report.note(f"machine {name!r} is so already")
        else:
            (found,) = status.of_records([before], layout)
            if after.network != before.network and found.state not in ("stopped", "suspended"):
                # Its links stay where they lead, under a number that might be another's then.
                raise UsageError(
                    f"machine {name!r} runs, and changes its network when it is started",
                    f"stop it first: b2p down {name}",
                )
            records.write(files.record, after)
            report.note(f"machine {name!r}: {', '.join(told)}")
            if after.network != before.network:
                network.leave(layout, before.network, report)
            if problem := decision.sleepless(after):
                report.warn(problem, "idle_suspend = 'off' is what holds")
            elif after.idle_suspend != before.idle_suspend and found.state == "running":
                tell.of_idleness(after, files, report)
            if replace(after, idle_suspend=before.idle_suspend) != before:
                _tell_when(name, found.state, report, saves=saved.exists(files))
    for key in sorted(wishes.said & overruled.keys()):
        report.warn(
            f"{overruled[key]} says another {key}, and wins at each start",
            "change or remove it there",
        )


def _tell_when(name: str, state: status.State, report: Report, *, saves: bool) -> None:
    if state == "running":
        report.note(f"in force when it is started next: b2p down {name} && b2p up {name}")
    elif saves:
        report.warn(
            f"machine {name!r} is suspended: what it has in memory does not fit any more",
            "b2p up boots it anew; its data is on its disk",
        )
