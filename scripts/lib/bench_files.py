"""What files of the host cost in a machine, beside the same on the guest's own disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.lib.bench import Bench

NAME = "bench-files"
FILES = 10_000
MEGABYTES = 1000
KINDS = {"own disk": "/root/bench", "mount": "", "cached mount": "/mnt/quick/bench"}
"""Where each kind of directory is in the guest; the mount is where the home is on the host."""


def measure(bench: Bench, *, files: int = FILES, megabytes: int = MEGABYTES) -> None:
    """All of it, on a machine of its own, which has git."""
    quick = bench.home / "quick"
    quick.mkdir(exist_ok=True)
    program = bench.home / "guest_files.py"
    shutil.copy(Path(__file__).with_name("guest_files.py"), program)
    bench.variables["B2P_PACKAGES"] = "git"
    try:
        bench.b2p("up", NAME, "--mount", f"{quick}:/mnt/quick:cached")
        own: dict[str, float] = {}
        for kind, place in KINDS.items():
            words = [str(program), place or str(bench.home / "bench"), str(files), str(megabytes)]
            said = bench.b2p("ssh", NAME, "--root", "--", "python3", *words)
            found: dict[str, float] = json.loads(said.splitlines()[-1])
            own = own or found
            for what, seconds in found.items():
                against = "" if found is own else f"{seconds / own[what]:.1f} x own disk"
                figure = _figure(what, seconds, files, megabytes)
                bench.note(f"{kind}: {figure[0]}", *figure[1:], against=against)
    finally:
        del bench.variables["B2P_PACKAGES"]
        bench.b2p("rm", "-f", NAME, must=False)


def _figure(what: str, seconds: float, files: int, megabytes: int) -> tuple[str, float, str]:
    """Its name, value and unit, as people want to know it."""
    if "stats" in what:
        return f"{what}, each", seconds / files * 1e6, "us"
    if what in ("write", "read"):
        return f"{what} of {megabytes} MB", megabytes / seconds, "MB/s"
    return f"{what}, {files} files", seconds, "s"
