"""Machines that sleep by themselves: suspended when nobody needs them, woken by verbs that do.

Their guest notices (firmware's agent) and asks by a host call, which leaves a process behind that
suspends the machine once the call is over.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from b2p.diary import Diary
from b2p.errors import B2PError, BusyError
from b2p.store import lock, saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout, MachineFiles

COMMAND = "b2p suspend, by itself"
"""Who holds the machine's lock meanwhile, for others."""


def fall_asleep(files: MachineFiles) -> None:
    """Suspend the machine, unless somebody needs it after all; never raises B2PError."""
    from b2p import wishes
    from b2p.suspend import suspend

    diary = Diary(files)
    name = files.home.name
    try:
        layout = wishes.layout()
        if layout.machine(name) != files:
            diary.note(f"it is idle, but b2p looks for it elsewhere: {str(files.home)!r}")
            return
        suspend(name, layout, diary, by_itself=True)
    except BusyError:
        # Somebody does something with it: so it is not idle.
        return
    except B2PError as error:
        diary.note(f"it is idle, but was not suspended: {error.message}")


def is_left_behind() -> bool:
    """As fork: True in a new process, which keeps nobody waiting who waits for this one."""
    if os.fork():
        return False
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    return True


def sleeps(files: MachineFiles) -> bool:
    """Whether the machine fell asleep by itself, or is about to."""
    if saved.exists(files):
        found = saved.read(files)
        return found is not None and found.by_itself
    holder = lock.holder(files.lock)
    return holder is not None and holder.command == COMMAND


def wake(name: str, settings: Callable[[], Settings], layout: Layout, report: Report) -> None:
    """Resume the machine if it fell asleep by itself; one that a person suspended is left so."""
    if not sleeps(layout.machine(name)):
        return
    from b2p.up import up

    up(name, settings(), layout, report)
