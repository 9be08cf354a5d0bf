"""Proves that a running guest can be saved and resumed, time after time, with its data whole.

prove_resume.py TREE [--times N] [--way mapped|shared] [--channels N]. The full default guest is
started by b2p; from then on QEMU is spoken to by the least of code, and nothing of b2p's helps it.
A container writes to a sqlite database all the while; it must go on as the same process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.lib.bench import environment
from scripts.lib.by_hand import Control, answered

NAME = "proof"
MEMORY_MIB = 2048
PATIENCE = 120.0
UNLIMITED = 1 << 40
"""Bytes a second; unasked QEMU writes no more than 128 MiB a second."""

WRITER = """
import sqlite3, time
db = sqlite3.connect("/db/counter.sqlite")
db.execute("pragma journal_mode = wal")
db.execute("create table if not exists tick (id integer primary key, filler text)")
while True:
    with db:
        db.execute("insert into tick (filler) values (?)", ("x" * 500,))
    time.sleep(0.02)
"""
CHECKER = """
import sqlite3
db = sqlite3.connect("/db/counter.sqlite")
whole = db.execute("pragma integrity_check").fetchone()[0]
count, last = db.execute("select count(*), max(id) from tick").fetchone()
print(whole, count, last)
"""
ROOTFS = (
    "set -e; d=$(mktemp -d); mkdir $d/usr $d/db $d/tmp; cd $d; "
    "ln -s usr/bin bin; ln -s usr/lib lib; ln -s usr/lib64 lib64; "
    "tar c . | podman import - localhost/usr >/dev/null"
)


class Qmp:
    """One monitor, one command after the other."""

    def __init__(self, path: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self("qmp_capabilities")

    def __call__(self, command: str, **arguments: Any) -> Any:
        words = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(words).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if "return" in answer or "error" in answer:
                if "error" in answer:
                    raise SystemExit(f"{command}: {answer['error']['desc']}")
                return answer["return"]
        raise SystemExit(f"QEMU hung up at {command}")

    def await_migration(self) -> None:
        while (state := self("query-migrate"))["status"] != "completed":
            if state["status"] == "failed":
                raise SystemExit(f"migration failed: {state}")
            time.sleep(0.002)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@dataclass
class Proof:
    """One home, one machine, and the times so far."""

    tree: Path
    home: Path
    way: str
    channels: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ram = self.home / "ram"
        self.state = self.home / "state"
        self.facts: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def b2p(self, *words: str) -> str:
        """What a verb prints."""
        command = [str(self.tree / "scripts/b2p"), *words]
        ended = subprocess.run(
            command, env=environment(self.home), capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise SystemExit(f"{words}: {ended.stderr}")
        return ended.stdout

    def inside(self, line: str) -> str:
        """What a line of shell prints in the guest."""
        return self.b2p("ssh", NAME, "--root", "--", line).strip()

    def prepare(self) -> None:
        """The machine, and the container that writes."""
        extra = []
        if self.way == "shared":
            backend = f"memory-backend-file,id=ram,size={MEMORY_MIB}M,mem-path={self.ram},share=on"
            extra = ["-object", backend, "-machine", "memory-backend=ram"]
        self.b2p("up", NAME, "--memory", f"{MEMORY_MIB}MiB", "--cpus", "2", "--", *extra)
        self.facts = json.loads(self.b2p("inspect", NAME))
        self.inside(ROOTFS)
        options = "-d --name writer --network none -v /usr:/usr:ro -v counter:/db"
        python = shlex.quote(WRITER)
        self.inside(f"podman run {options} localhost/usr /usr/bin/python3 -c {python}")

    def _file(self, name: str) -> Path:
        return Path(self.facts["files"][name])

    def _capabilities(self, qmp: Qmp) -> None:
        wanted = {"shared": ["x-ignore-shared"], "mapped": ["mapped-ram"]}[self.way]
        wanted += ["multifd"] if self.channels else []
        states = [{"capability": name, "state": True} for name in wanted]
        qmp("migrate-set-capabilities", capabilities=states)
        parameters = {"max-bandwidth": UNLIMITED}
        if self.channels:
            parameters["multifd-channels"] = self.channels
        qmp("migrate-set-parameters", **parameters)

    @contextlib.contextmanager
    def _timed(self, what: str) -> Any:
        began = time.monotonic()
        yield
        self.seconds.setdefault(what, []).append(time.monotonic() - began)

    def save(self) -> None:
        """Freeze the disk, save, end QEMU."""
        qmp = Qmp(self._file("qmp"))
        with self._timed("suspend, all"):
            with self._timed("freeze"):
                control = Control(self._file("control"))
                control.send(id=7, do="freeze")
                for message in control.messages():
                    if message.get("id") == 7:
                        break
                control.close()
            with self._timed("save"):
                qmp("stop")
                self._capabilities(qmp)
                qmp("migrate", uri=f"file:{self.state}")
                qmp.await_migration()
            with self._timed("quit"):
                qmp("quit")
                qmp.close()
                if self.process:
                    self.process.wait()
                while Path(f"/proc/{self.facts['pid']}").exists():
                    time.sleep(0.001)

    def resume(self) -> None:
        """A new QEMU takes the state; from its start to the engine's answer."""
        words = [*self.facts["decided"]["command"], "-incoming", "defer"]
        for name in ("qmp", "calls", "console", "control", "podman", "varlink"):
            self._file(name).unlink(missing_ok=True)
        with self._timed("resume, all"):
            with self._timed("QEMU's start to its monitor"):
                self.process = subprocess.Popen(words, start_new_session=True)
                self.facts["pid"] = self.process.pid
                qmp = Qmp(self._file("qmp"))
            with self._timed("load"):
                self._capabilities(qmp)
                qmp("migrate-incoming", uri=f"file:{self.state}")
                qmp.await_migration()
            with self._timed("cont to thawed"):
                qmp("cont")
                control = Control(self._file("control"))
                control.send(id=8, do="thaw")
                control.send(id=9, do="identity", time=time.time())
                for message in control.messages():
                    if message.get("id") == 9:
                        break
                control.close()
            with self._timed("thawed to /_ping"):
                while not answered(self._file("podman")):
                    time.sleep(0.005)
        port = self.facts["ssh_port"]
        rule = f"hostfwd_add net0 tcp:127.0.0.1:{port}-:22"
        if said := qmp("human-monitor-command", **{"command-line": rule}):
            raise SystemExit(said)
        qmp.close()

    def checked(self, before: tuple[int, str]) -> tuple[int, str]:
        """How far the writer came, and its process; everything must be as it was and go on."""
        check = f"podman exec writer /usr/bin/python3 -c {shlex.quote(CHECKER)}"
        whole, count, last = self.inside(check).split()
        pid = "podman inspect --format '{{.State.Pid}} {{.State.StartedAt}}' writer"
        process = self.inside(pid)
        off = abs(float(self.inside("date +%s.%N")) - time.time())
        problems = [
            problem
            for problem, is_so in {
                f"sqlite says {whole}": whole != "ok",
                f"{count} rows, the last is {last}": count != last,
                f"{count} rows, {before[0]} before": int(count) <= before[0],
                f"process {process}, {before[1]} before": before[1] not in {"", process},
                f"the clock is {off:.1f} s off": off > 2,
            }.items()
            if is_so
        ]
        if problems:
            raise SystemExit(f"FAILED: {problems}")
        return int(count), process

    def end(self) -> None:
        """Leave nothing."""
        with contextlib.suppress(SystemExit):
            self.b2p("rm", "-f", NAME)
        if self.process:
            self.process.kill()
            self.process.wait()


def used(path: Path) -> float:
    """MB that a file takes on the disk."""
    return path.stat().st_blocks * 512 / 1e6 if path.exists() else 0.0


def main() -> None:
    """So many times, and the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--way", choices=["mapped", "shared"], default="mapped")
    parser.add_argument("--channels", type=int, default=0, help="threads that read and write RAM")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="b2p-proof-", dir=os.environ.get("TMPDIR")) as home:
        proof = Proof(given.tree.resolve(), Path(home), given.way, given.channels)
        try:
            proof.prepare()
            so_far = proof.checked((0, ""))
            for number in range(given.times):
                proof.save()
                megabytes = used(proof.state) + used(proof.ram)
                proof.seconds.setdefault("MB on the disk", []).append(megabytes)
                proof.resume()
                so_far = proof.checked(so_far)
                print(f"{number + 1}: {so_far[0]} rows, {megabytes:.0f} MB", flush=True)
        finally:
            proof.end()
    print(f"{given.times} of {given.times} by {given.way}")
    for what, values in proof.seconds.items():
        print(f"{what:30}{min(values):9.3f}{statistics.median(values):9.3f}{max(values):9.3f}")


if __name__ == "__main__":
    main()
