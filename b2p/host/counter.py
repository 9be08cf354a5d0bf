"""How fast this computer's time stamp counter counts, which an emulated guest sees as its own.

A guest that finds out by itself, while the computer is busy, may be wrong by far: its clock then
runs many times too fast, and so do those of all machines that begin from its golden state.
"""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING

from b2p.host import computer
from b2p.host import findings as known
from b2p.machine.architecture import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KIND = "counter"
SPAN_SECONDS = 0.03
LOOKS = 5
ROUND_KHZ = 1000
"""Linux refines what it is told by itself, as long as it is not wrong by more than a percent."""

_READ = bytes.fromhex("0f31 48c1e220 4809d0 c3")
"""rdtsc; shl rdx, 32; or rax, rdx; ret."""


def khz(findings: Path) -> int:
    """Counts in a millisecond, to the nearest megahertz; 0 where that cannot be known.

    Measured once for each processor.
    """
    if ARCHITECTURES.get(platform.machine().lower()) != "x86_64":
        return 0
    key = computer.processor()
    if found := known.read(findings, KIND, key):
        return int(found.get("khz", 0))
    measured = _measured()
    known.write(findings, KIND, key, {"khz": measured})
    return measured


def _measured() -> int:
    counter = _reader()
    if counter is None:
        return 0
    begun = _look(counter)
    time.sleep(SPAN_SECONDS)
    return rate(begun, _look(counter))


def rate(begun: tuple[int, int], ended: tuple[int, int]) -> int:
    """Of two looks at counter and clock (in ns): counts in a millisecond, rounded."""
    counts, nanoseconds = ended[0] - begun[0], ended[1] - begun[1]
    if counts <= 0 or nanoseconds <= 0:
        return 0
    return round(counts * 10**6 / nanoseconds / ROUND_KHZ) * ROUND_KHZ


def _look(counter: Callable[[], int]) -> tuple[int, int]:
    """Both at one moment: of several looks that in which nothing came in between."""
    looks = []
    for _ in range(LOOKS):
        before = time.monotonic_ns()
        count = counter()
        after = time.monotonic_ns()
        looks.append((after - before, count, (before + after) // 2))
    _, count, moment = min(looks)
    return count, moment


def _reader() -> Callable[[], int] | None:
    """A function that reads the counter; None where the system lets no program make code."""
    import ctypes
    import mmap

    try:
        code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except (OSError, ValueError):
        return None
    code.write(_READ)
    function = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    function.code = code  # type: ignore[attr-defined] # it lives as long as the function
    return function
