"""A machine at work for some minutes: what of disk, memory, descriptors and sockets grows."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

MEBIBYTE = 1 << 20
BUSYBOX = """
mkdir -p /root/soak/bin && cp "$(command -v busybox)" /root/soak/bin/busybox
ln -sf busybox /root/soak/bin/sh
tar -C /root/soak -c . | podman import -q - localhost/soak >/dev/null
"""
CONTAINERS = """
for number in 1 2 3; do
  podman run --rm -v soak:/data localhost/soak sh -c 'echo x > /data/file' || exit 1
done
set -e
podman run -d --name server -p 127.0.0.1:9000:9000 localhost/soak /bin/busybox sleep 600 >/dev/null
podman rm -f -t 0 server >/dev/null && podman volume rm soak >/dev/null
"""
SETTLE = "sync; fstrim /data 2>/dev/null; echo 3 > /proc/sys/vm/drop_caches; sleep 2"
SUSPEND_EVERY = 4
LIMITS = {
    "disk_mib": 64.0,
    "qemu_mib": 96.0,
    "descriptors": 2.0,
    "sockets": 0.0,
    "processes": 0.0,
    "files": 2.0,
    "guest_mib": 48.0,
    "guest_processes": 4.0,
}
"""By how much each may differ at the end from what it was after the first cycle."""


@dataclass(frozen=True)
class Sample:
    """What the machine takes at rest."""

    disk_mib: float
    qemu_mib: float
    descriptors: float
    sockets: float
    processes: float
    files: float
    guest_mib: float
    guest_processes: float


class Soak:
    """A home of its own with one machine."""

    def __init__(self, tree: Path, home: Path) -> None:
        self.b2p_program = tree / "scripts/b2p"
        self.home = home
        cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
        kept = {key: value for key, value in os.environ.items() if not key.startswith("B2P_")}
        self.environment = {**kept, "HOME": str(home), "XDG_CACHE_HOME": cache, "NO_COLOR": "1"}

    def b2p(self, *words: str, stdin: str = "") -> str:
        """Run a verb, which must succeed."""
        ended = subprocess.run(
            [str(self.b2p_program), *words],
            input=stdin,
            text=True,
            check=False,
            capture_output=True,
            env=self.environment,
            cwd=self.home,
        )
        if ended.returncode:
            raise SystemExit(f"b2p {' '.join(words)} failed:\n{ended.stderr}")
        return ended.stdout

    def inside(self, script: str) -> str:
        """Run a script in the machine, as root."""
        return self.b2p("ssh", "--root", "--", "sh", "-s", stdin=script)

    def sample(self) -> Sample:
        """Let it come to rest, and look."""
        self.inside(SETTLE)
        facts: dict[str, Any] = json.loads(self.b2p("inspect"))
        qemu = psutil.Process(facts["pid"])
        memory = self.inside("grep -E '^(MemAvailable|MemTotal):' /proc/meminfo").split()
        mine = [path for path in self.home.rglob("*") if not path.is_symlink()]
        return Sample(
            disk_mib=sum(path.lstat().st_blocks * 512 for path in mine) / MEBIBYTE,
            qemu_mib=qemu.memory_full_info().pss / MEBIBYTE,
            descriptors=qemu.num_fds(),
            sockets=sum(path.is_socket() for path in mine),
            processes=len(qemu.children(recursive=True)),
            files=sum(path.is_file() for path in mine),
            guest_mib=(int(memory[1]) - int(memory[4])) / 1024,
            guest_processes=int(self.inside("ls -d /proc/[0-9]* | wc -l")),
        )

    def cycle(self, number: int) -> None:
        """Containers come and go; now and then the machine sleeps."""
        self.inside(CONTAINERS)
        self.b2p("status", "--json")
        if number % SUSPEND_EVERY == 0:
            self.b2p("suspend")
            self.b2p("up")


def run(tree: Path, minutes: float) -> tuple[int, Sample, Sample]:
    """So many cycles, and what was taken after the first ones and after the last one."""
    with tempfile.TemporaryDirectory(prefix="b2p-soak-", dir="/tmp") as home:
        soak = Soak(tree, Path(home))
        try:
            soak.b2p("up")
            soak.inside(BUSYBOX)
            for number in range(1, SUSPEND_EVERY + 1):
                soak.cycle(number)
            before = soak.sample()
            end = time.monotonic() + minutes * 60
            cycles = 0
            while time.monotonic() < end or cycles % SUSPEND_EVERY:
                cycles += 1
                soak.cycle(cycles)
                print(f"\r{cycles} cycles", end="", file=sys.stderr, flush=True)
            return cycles, before, soak.sample()
        finally:
            soak.b2p("rm", "-f", "default")


def main() -> None:
    """Soak, and tell."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    # Ended from outside, it leaves no machine either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cycles, before, after = run(words.tree, words.minutes)
    print(file=sys.stderr)
    grown = {
        name: asdict(after)[name] - value
        for name, value in asdict(before).items()
        if asdict(after)[name] - value > LIMITS[name]
    }
    if words.json:
        values = {"cycles": cycles, "before": asdict(before), "after": asdict(after)}
        print(json.dumps({"schema": 1, **values, "grown": grown}, indent=2))
    else:
        print(f"{cycles} cycles of 4 containers, {cycles // SUSPEND_EVERY} suspends and resumes")
        print(f"{'':<16}{'before':>10}{'after':>10}{'allowed':>10}")
        for name, value in asdict(before).items():
            row = f"{name:<16}{value:>10.1f}{asdict(after)[name]:>10.1f}{LIMITS[name]:>+10.1f}"
            print(row + ("  GREW" if name in grown else ""))
    raise SystemExit(bool(grown))


if __name__ == "__main__":
    main()
