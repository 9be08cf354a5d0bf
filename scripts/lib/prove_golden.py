"""Proves that machines begin from one golden state, time after time, each whole and its own.

prove_golden.py TREE [--times N] [--arch ARCH]. Each time `b2p scratch` begins from the state; a
container there writes to a sqlite database, which must be whole, know the time, and have met no
earlier machine.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.lib.bench import environment

ROWS = 200
WRITER = f"""
import os, sqlite3, time, uuid
db = sqlite3.connect("/db/rows.sqlite")
db.execute("pragma journal_mode = wal")
db.execute("create table row (id integer primary key, filler text)")
for number in range({ROWS}):
    with db:
        db.execute("insert into row (filler) values (?)", (os.urandom(250).hex(),))
whole = db.execute("pragma integrity_check").fetchone()[0]
count = db.execute("select count(*) from row").fetchone()[0]
machine = open("/host/machine-id").read().strip()
print(whole, count, time.time(), machine, uuid.uuid4())
"""


class Engine(http.client.HTTPConnection):
    """The engine that DOCKER_HOST names."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))

    def ask(self, method: str, target: str, body: Any = None) -> bytes:
        """The answer's body; a failure ends the program."""
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        sent = body if isinstance(body, bytes | None) else json.dumps(body)
        self.request(method, f"/v1.44{target}", sent, {"Content-Type": kind})
        answer = self.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {target}: {answer.status} {content.decode()}")
        return content


def rootfs() -> bytes:
    """A root whose programs are the machine's own, bound into it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("usr", "db", "tmp", "host"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(folder)
        for name in ("bin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(link)
    return out.getvalue()


def inside() -> None:
    """What is run with an engine of its own: one line for whoever proves."""
    engine = Engine("localhost")
    engine.ask("POST", "/images/create?fromSrc=-&repo=localhost/usr", rootfs())
    wishes = {
        "Image": "localhost/usr",
        "Cmd": ["/usr/bin/python3", "-c", WRITER],
        "Tty": True,
        "HostConfig": {"Binds": ["/usr:/usr:ro", "/etc:/host:ro"]},
    }
    made = json.loads(engine.ask("POST", "/containers/create", wishes))["Id"]
    engine.ask("POST", f"/containers/{made}/start")
    engine.ask("POST", f"/containers/{made}/wait")
    said = engine.ask("GET", f"/containers/{made}/logs?stdout=1&stderr=1").decode().strip()
    print(said, time.time())


def main() -> None:
    """So many times, and the table."""
    if sys.argv[1:] == ["--inside"]:
        inside()
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--arch", default="auto", help="of the machines, such as arm64")
    given = parser.parse_args()
    seconds, met = [], set()
    with tempfile.TemporaryDirectory(prefix="b2p-proof-", dir="/tmp") as home:
        words = [given.tree / "scripts/b2p", "scratch", "--arch", given.arch]
        words += ["--", sys.executable, "-P"]
        words += ["-m", "scripts.lib.prove_golden", "--inside"]
        for number in range(given.times):
            began = time.monotonic()
            ended = subprocess.run(
                words,
                env={**environment(Path(home)), "PYTHONPATH": str(given.tree)},
                cwd=given.tree,
                check=False,
                capture_output=True,
                text=True,
            )
            seconds.append(time.monotonic() - began)
            if ended.returncode or "golden state" in ended.stderr:
                raise SystemExit(f"{number + 1}: FAILED\n{ended.stderr}{ended.stdout}")
            whole, count, then, machine, chance, now = ended.stdout.split()
            problems = {
                f"sqlite says {whole}": whole != "ok",
                f"{count} rows": int(count) != ROWS,
                f"the clock says {then} at {now}": not -60 < float(then) - float(now) < 1,
                f"machine {machine} was there before": machine in met,
                f"{chance} was made before": chance in met,
            }
            if any(problems.values()):
                raise SystemExit(f"{number + 1}: FAILED: {[p for p, so in problems.items() if so]}")
            met |= {machine, chance}
            print(f"{number + 1}: {seconds[-1]:.1f} s", flush=True)
    print(f"{given.times} of {given.times}, {statistics.median(seconds):.1f} s in the middle")


if __name__ == "__main__":
    main()
