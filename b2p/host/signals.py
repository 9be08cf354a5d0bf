"""Signals around a program's start: those of ours that have to wait, and its own at our end."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def held(*numbers: signal.Signals, deliver: bool = True) -> Iterator[list[signal.Signals]]:
    """Put Ctrl-C and SIGTERM off until the block ends; the list shows which have come.

    By handlers, not by a mask: the child would inherit a mask, while handlers end with its exec.
    """
    arrived: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    numbers = numbers or (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, lambda came, _frame: arrived.append(signal.Signals(came)))
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if deliver:
        for number in arrived:
            signal.raise_signal(number)


def dying_with_parent() -> Callable[[], object] | None:
    """What a new process does to be killed when its parent ends (prctl(2)); Linux only."""
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
