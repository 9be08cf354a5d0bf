"""Measures what the README promises and prints it beside the target.

bench.py TREE [boot|peers|python|starts] [--first] [--files] [--runs N] [--idle SECONDS]
[--plot FILE] [--json]. Everything is asked of `scripts/b2p` and of the kernel, as anybody could;
b2p's share is the difference to by_hand.py in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.lib import (
    bench_engine,
    bench_families,
    bench_files,
    bench_golden,
    bench_peers,
    bench_ports,
    bench_python,
    bench_varlink,
    plot,
)
from scripts.lib.by_hand import Hand, answered

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "bench"
FAKES = 19
QUICK_RUNS = 10
CPU_SECONDS = 60.0
"""How long an idle QEMU is watched."""
SETTLE_SECONDS = 30.0
"""What a guest does by itself after it came up is over by then."""
MEGABYTE = 1e6
STARTS = {
    "the same command by hand": "QEMU by hand, until the engine answers",
    "cold up": "b2p up, booting",
    "up of a stopped machine, from its state": "b2p up, from a golden state",
    "up of a new machine, from its state": "b2p up of a new machine, likewise",
    "up of a suspended machine": "b2p up, resuming",
    "scratch -- true": "b2p scratch -- true",
    "b2p up: a new machine": "b2p up of a new machine",
    "b2p up: started again": "b2p up of a stopped machine",
    **{what: what for what in bench_peers.FIGURES},
}
"""The figures of the plot, and what they are called there."""


@dataclass(frozen=True)
class Figure:
    """One measured thing; `target` is the most it may be."""

    what: str
    value: float
    unit: str
    target: float | None = None
    against: str = ""
    """What it was compared with in the same run, and the ratio."""


@dataclass
class Bench:
    """One home with one machine, and the figures so far."""

    tree: Path
    home: Path
    runs: int
    figures: list[Figure] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def note(
        self, what: str, value: float, unit: str, target: float | None = None, against: str = ""
    ) -> None:
        """Keep a figure, and show at once that something was done."""
        self.figures.append(Figure(what, value, unit, target, against))
        print(f"  {what}: {value:.3g} {unit}", file=sys.stderr)

    def value(self, what: str) -> float | None:
        """A figure that was kept; None where it was not measured."""
        return next((one.value for one in self.figures if one.what == what), None)

    def b2p(self, *words: str, must: bool = True) -> str:
        """What a verb prints; its failure ends the bench, if it `must` succeed."""
        ended = subprocess.run(
            [str(self.tree / "scripts/b2p"), *words],
            env={**environment(self.home), **self.variables},
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if ended.returncode and must:
            raise SystemExit(f"b2p {' '.join(words)} failed:\n{ended.stderr}")
        return ended.stdout

    def timed(self, *words: str) -> float:
        """Seconds that a verb takes."""
        return seconds_of(lambda: self.b2p(*words))

    def facts(self) -> dict[str, Any]:
        """What `b2p inspect` tells of the machine."""
        found: dict[str, Any] = json.loads(self.b2p("inspect", NAME))
        return found


def environment(home: Path) -> dict[str, str]:
    """The caller's, with another home but the same cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    ours = ("B2P_", "XDG_", "DOCKER_", "CONTAINER_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": cache, "NO_COLOR": "1"}


def seconds_of(act: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def median_of(act: Callable[[], object], runs: int) -> float:
    """The median of several times."""
    return statistics.median(seconds_of(act) for _ in range(runs))


def measure_first(bench: Bench) -> None:
    """The first `up` ever: no package, no QEMU, no image."""
    with tempfile.TemporaryDirectory(prefix="b2p-bench-cache-") as cache:
        bench.variables["B2P_CACHE_DIR"] = cache
        try:
            bench.note("first up ever, empty caches", bench.timed("up", NAME), "s", 75)
        finally:
            bench.b2p("rm", "-f", NAME, must=False)
            del bench.variables["B2P_CACHE_DIR"]


def measure_cold(bench: Bench) -> None:
    """`up` of a stopped machine against the same command by hand, turn about; and `down`."""
    hand = Hand(bench.facts(), bench.home / ".local/share/b2p")
    by_b2p, by_hand, downs = [], [], []
    for _ in range(bench.runs):
        downs.append(bench.timed("down", NAME))
        seconds, qemu = hand.up()
        by_hand.append(seconds)
        hand.down(qemu)
        by_b2p.append(bench.timed("up", NAME))
    up, same = statistics.median(by_b2p), statistics.median(by_hand)
    bench.note("cold up", up, "s", 6, f"{up / same:.2f} x by hand")
    bench.note("the same command by hand", same, "s")
    bench.note("b2p's own share of it", up - same, "s", 0.3)
    bench.note("down", statistics.median(downs), "s", 5)


def measure_suspended(bench: Bench) -> None:
    """`suspend`, the `up` that resumes, and what a suspended machine takes on the disk."""
    down, up, used = [], [], []
    for _ in range(bench.runs):
        down.append(bench.timed("suspend", NAME))
        used.append(bench.facts()["saved_bytes"])
        up.append(bench.timed("up", NAME))
    memory = f"{bench.facts()['decided']['memory_mib']} MiB"
    bench.note(f"suspend of {memory}", statistics.median(down), "s", 0.5)
    resumed, cold = statistics.median(up), bench.value("cold up")
    against = f"{resumed / cold:.2f} x cold up" if cold else ""
    bench.note("up of a suspended machine", resumed, "s", 0.9, against)
    bench.note("disk used by a suspended machine", max(used) / MEGABYTE, "MB", 300)


def measure_quick(bench: Bench) -> None:
    """Verbs that start nothing, with twenty machines, against Python alone."""
    machines = bench.home / ".local/share/b2p/machines"
    for number in range(FAKES):
        add_stopped(machines, f"stopped{number}")
    python = [sys.executable, "-I", "-c", "import click"]
    alone = median_of(lambda: subprocess.run(python, check=True), QUICK_RUNS)
    bench.note("Python that imports click", alone, "s")
    targets = {("--help",): 0.12, ("status", NAME): 0.2, ("ls",): 0.2}
    for words, target in targets.items():
        spent = median_of(lambda words=words: bench.b2p(*words), QUICK_RUNS)  # type: ignore[misc]
        what = f"b2p {words[0]}" + (f" of {FAKES + 1} machines" if words == ("ls",) else "")
        bench.note(what, spent, "s", target, f"{spent / alone:.1f} x Python")
    for number in range(FAKES):
        shutil.rmtree(machines / f"stopped{number}")


def add_stopped(machines: Path, name: str) -> None:
    """The record of a machine that never ran, beside the real one."""
    record = json.loads((machines / NAME / "machine.json").read_text())
    record |= {"name": name, "uuid": str(uuid.uuid4()), "pid": 0, "pid_start": 0.0, "command": []}
    (machines / name).mkdir(mode=0o700)
    (machines / name / "machine.json").write_text(json.dumps(record))


def measure_client(bench: Bench, idle: float) -> None:
    """`docker ps` at once and after a while, and what QEMU costs meanwhile."""
    facts = bench.facts()
    engine = Path(facts["files"]["podman"])
    docker = docker_ps(engine)
    what = "docker ps" if docker else "GET /containers/json"
    ask = docker or (lambda: answered(engine, "/containers/json"))
    bench.note(f"{what}, warm", median_of(ask, QUICK_RUNS), "s")
    time.sleep(SETTLE_SECONDS)
    waited = max(idle, CPU_SECONDS)
    time.sleep(waited - CPU_SECONDS)
    measure_idle(bench, facts)
    target = 0.5 if waited >= 300 else None
    bench.note(
        f"{what} after {waited + SETTLE_SECONDS:.0f} s of nothing", seconds_of(ask), "s", target
    )


def docker_ps(engine: Path) -> Callable[[], object] | None:
    """Docker's own command line, from the PATH or from what the boot tests brought."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    brought = sorted(cache.glob("b2p/tools/docker-cli-*/run/docker"))
    program = str(brought[-1]) if brought else shutil.which("docker")
    if program is None:
        return None
    variables = {**os.environ, "DOCKER_HOST": f"unix://{engine}", "DOCKER_API_VERSION": "1.44"}
    command = [program, "ps"]
    return lambda: subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)


def measure_idle(bench: Bench, facts: dict[str, Any]) -> None:
    """Processor and memory of QEMU, from /proc; there is none on macOS."""
    pid = facts["pid"]
    if not Path(f"/proc/{pid}").exists():
        return
    before = processor_seconds(pid)
    spent = seconds_of(lambda: time.sleep(CPU_SECONDS))
    share = 100 * (processor_seconds(pid) - before) / spent
    bench.note(f"idle, {facts['cpus']} vCPU", share, "% of a core", 3)
    guest, rest = memory(Path(f"/proc/{pid}/smaps").read_text(), facts["decided"]["memory_mib"])
    bench.note("memory: pages of the guest", guest / MEGABYTE, "MB", 250)
    bench.note("memory: the rest of QEMU", rest / MEGABYTE, "MB", 150)
    bench.note("processes of the machine", float(processes(bench.home)), "", 1)


def processor_seconds(pid: int) -> float:
    """User and system time of a process with all its threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(smaps: str, guest_mib: int) -> tuple[int, int]:
    """Resident bytes of the guest's memory and of all else, from /proc/PID/smaps.

    The guest's is the one mapping as large as its memory (a little less or more, where QEMU or
    the kernel split or padded it).
    """
    guest = rest = 0
    size = 0
    for key, kilobytes in re.findall(r"^(Size|Rss): +(\d+) kB", smaps, re.MULTILINE):
        if key == "Size":
            size = int(kilobytes) * 1024
        elif size >= (guest_mib << 20) * 0.9:
            guest += int(kilobytes) * 1024
        else:
            rest += int(kilobytes) * 1024
    return guest, rest


def processes(home: Path) -> int:
    """How many processes on this computer have a file of that home in their words."""
    found = 0
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += f"{home}/".encode() in words.read_bytes()
        except OSError:
            continue
    return found


def table(figures: list[Figure]) -> str:
    """The figures as people read them."""
    rows = [("WHAT", "FIGURE", "TARGET", "", "COMPARED")]
    for one in figures:
        digits = 3 if one.unit == "s" and one.value < 10 else 1
        target = "" if one.target is None else f"{one.target:g}"
        verdict = "" if one.target is None else "ok" if one.value <= one.target else "OVER"
        rows.append((one.what, f"{one.value:.{digits}f} {one.unit}", target, verdict, one.against))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def words() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("tree", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "part", nargs="?", choices=["all", "boot", "peers", "python", "starts"], default="all"
    )
    parser.add_argument("--first", action="store_true", help="also the first up, from empty caches")
    parser.add_argument("--files", action="store_true", help="nothing but files of the host")
    parser.add_argument("--runs", type=int, default=3, help="cold starts to take the median of")
    parser.add_argument("--idle", type=float, default=CPU_SECONDS, help="seconds of idleness")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the starts, as SVG")
    parser.add_argument("--json", action="store_true", help="for programs, on stdout")
    return parser.parse_args()


def measure_starts(bench: Bench) -> None:
    """Whatever a machine can begin from."""
    bench.variables["B2P_GOLDEN"] = "false"
    bench.note("up of a new machine, without states", bench.timed("up", NAME), "s")
    measure_cold(bench)
    del bench.variables["B2P_GOLDEN"]
    bench_golden.measure_starts(bench, NAME)
    measure_suspended(bench)


def draw(bench: Bench, target: Path) -> None:
    """The starts, as a plot."""
    found = {one.what: one.value for one in bench.figures}
    bars = [
        plot.Bar(label, found[what], is_ours="by hand" not in what and " way)" not in what)
        for what, label in STARTS.items()
        if what in found
    ]
    if not bars:
        raise SystemExit("nothing that the plot shows was measured: use 'starts', or all")
    note = (
        f"{os.cpu_count()} cores, shared; emulated where there is no KVM. Median of {bench.runs}."
    )
    target.write_text(plot.svg("Until the engine answers", "s", bars, note=note), encoding="utf-8")


def measure_all(bench: Bench, given: argparse.Namespace) -> None:
    """One part after the other."""
    if given.first:
        measure_first(bench)
    measure_starts(bench)
    bench_golden.measure_traces(bench)
    bench_python.measure(bench)
    measure_quick(bench)
    bench_ports.measure(bench, NAME)
    bench_varlink.measure(bench, NAME)
    bench_engine.measure(bench, NAME)
    bench_families.measure(bench)
    measure_client(bench, given.idle)


def main() -> None:
    """Measure what is asked for, whatever fails leave nothing."""
    given = words()
    # A short path: sockets lie below it.
    with tempfile.TemporaryDirectory(prefix="b2p-bench-", dir="/tmp") as home:
        bench = Bench(given.tree, Path(home), given.runs)
        try:
            if given.part == "boot":
                bench_golden.boot_parts(bench)
            elif given.part == "peers":
                bench_peers.measure(bench)
            elif given.part == "python":
                bench_python.measure(bench)
            elif given.part == "starts":
                measure_starts(bench)
            elif given.files:
                bench_files.measure(bench)
            else:
                measure_all(bench, given)
        finally:
            bench.b2p("rm", "-f", NAME, must=False)
    if given.plot:
        draw(bench, given.plot)
    if given.json:
        found = [asdict(one) for one in bench.figures]
        print(json.dumps({"schema": 1, "figures": found}, indent=2))
    else:
        print(table(bench.figures))


if __name__ == "__main__":
    main()
