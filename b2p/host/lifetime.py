"""When a process began, by which it is known, and whether it still lives: read from the kernel."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def start_time(pid: int, *, zombies: bool = False) -> float | None:
    """When the process began; None for one that is gone, and for a zombie unless `zombies`.

    In seconds after boot on Linux, by the clock that counts them; psutil's elsewhere.
    """
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
            return parse_stat(stat, os.sysconf("SC_CLK_TCK"), zombies=zombies)
        except (FileNotFoundError, ProcessLookupError):
            return None
    import psutil

    try:
        process = psutil.Process(pid)
        ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return None if ended and not zombies else process.create_time()
    except psutil.NoSuchProcess:
        return None


def parse_stat(stat: bytes, ticks_a_second: int, *, zombies: bool = False) -> float | None:
    """The start time in seconds after boot, from /proc/PID/stat (proc(5)); None for the dead.

    With `zombies` also of those, and of a process whose first thread is one.

    The second field is the program's name in brackets, and may itself hold brackets and spaces.
    """
    fields = stat.rpartition(b")")[2].split()
    dead = (b"X", b"x") if zombies else (b"Z", b"X", b"x")
    return None if fields[0] in dead else int(fields[19]) / ticks_a_second


def is_ending(pid: int) -> bool:
    """Whether the process has given its memory up already: it is on its way out (Linux)."""
    try:
        # Pages of its address space; what has none has no command line any more either.
        return Path(f"/proc/{pid}/statm").read_bytes().split()[0] == b"0"
    except (OSError, IndexError):
        return False
