"""What golden states are for: machines that begin from them, in seconds, memory and traces."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.lib.bench import Bench

NEW = "begun"
SETTLED_SECONDS = 3.0
IN_A_ROW = 10
MEGABYTE = 1e6


def measure_starts(bench: Bench, name: str) -> None:
    """Seconds; states that are not there yet are made first, and that is no figure."""
    bench.b2p("down", name)
    bench.b2p("up", name)
    bench.b2p("scratch", "--", "true")
    new, bare, scratch = [], [], []
    for _ in range(bench.runs):
        new.append(bench.timed("up", NEW))
        bench.b2p("rm", "-f", NEW)
        scratch.append(bench.timed("scratch", "--", "true"))
        bench.b2p("down", name)
        bare.append(bench.timed("up", name))
    bench.note("up of a new machine, from its state", statistics.median(new), "s", 0.9)
    bench.note("scratch -- true", statistics.median(scratch), "s", 0.9)
    bench.note("up of a stopped machine, from its state", statistics.median(bare), "s", 2)


def measure_traces(bench: Bench) -> None:
    """What throwaway machines take and leave."""
    measure_second(bench)
    measure_row(bench)


def measure_second(bench: Bench) -> None:
    """How much more memory of this computer a second throwaway machine takes, by Pss."""
    with subprocess.Popen(**_sleeping(bench)) as one:  # type: ignore[call-overload]
        _await_ready(one)
        alone = _proportional()
        with subprocess.Popen(**_sleeping(bench)) as two:  # type: ignore[call-overload]
            _await_ready(two)
            both = _proportional()
            two.stdin.close()
        one.stdin.close()
    if alone:
        bench.note("memory of a second scratch machine", (both - alone) / MEGABYTE, "MB", 150)


def measure_row(bench: Bench) -> None:
    """What is left of ten throwaway machines."""
    before = set(_traces(bench))
    for _ in range(IN_A_ROW):
        bench.b2p("scratch", "--", "true")
    left = len(set(_traces(bench)) - before)
    bench.note(f"files and processes left by {IN_A_ROW} scratch machines", float(left), "", 0)


def boot_parts(bench: Bench) -> None:
    """Where a boot without states spends its time, by `up --timing`."""
    bench.b2p("down", NEW, must=False)
    bench.variables["B2P_GOLDEN"] = "false"
    try:
        bench.b2p("rm", "-f", NEW, must=False)
        bench.b2p("up", NEW)
        rows = []
        for _ in range(bench.runs):
            bench.b2p("down", NEW)
            said = bench.b2p("-q", "up", NEW, "--timing", "--json")
            rows.append({one["stage"]: one["seconds"] for one in json.loads(said)["timing"]})
    finally:
        bench.b2p("rm", "-f", NEW, must=False)
        del bench.variables["B2P_GOLDEN"]
    for stage in rows[-1]:
        seconds = statistics.median(row.get(stage, 0.0) for row in rows)
        bench.note(f"boot: {stage}", seconds, "s")


def _sleeping(bench: Bench) -> dict[str, object]:
    from scripts.lib.bench import environment

    return {
        "args": [str(bench.tree / "scripts/b2p"), "-q", "scratch", "--", "sh", "-c", "echo; cat"],
        "env": environment(bench.home),
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
    }


def _await_ready(begun: subprocess.Popen[bytes]) -> None:
    assert begun.stdout
    begun.stdout.readline()
    time.sleep(SETTLED_SECONDS)


def _proportional() -> int:
    """Bytes that QEMUs of throwaway machines take, memory that they share counted once."""
    total = 0
    for folder in _scratch_qemus():
        rollup = Path(folder, "smaps_rollup").read_text()
        total += 1024 * int(rollup.partition("\nPss:")[2].split()[0])
    return total


def _scratch_qemus() -> Iterator[Path]:
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"process=b2p-scratch-" in words.read_bytes():
                yield words.parent
        except OSError:
            continue


def _traces(bench: Bench) -> Iterator[str]:
    """Files and sockets of this home and of throwaway machines, and their processes."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "b2p"
    for root in (bench.home, cache / "scratch", cache / "states"):
        yield from map(str, root.rglob("*"))
    yield from map(str, _scratch_qemus())
