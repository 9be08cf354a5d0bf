"""What a published port costs: until it answers here, and beside QEMU's own bare forward."""

from __future__ import annotations

import http.client
import statistics
import time
from typing import TYPE_CHECKING

from scripts.lib.bench_varlink import Guest

if TYPE_CHECKING:
    from scripts.lib.bench import Bench

RUNS = 5
FILE_BYTES = 100_000_000
PUBLISHED, INNER, BARE, OF_GUEST = 28080, 28081, 28082, 28083
PATIENCE = 60.0
PAUSE = 0.01

IMAGE = """
set -e
tree=$(mktemp -d)
mkdir $tree/bin $tree/www
cp "$(command -v busybox)" $tree/bin/busybox
echo hello > $tree/www/index.html
head -c {bytes} /dev/zero > $tree/www/large
tar -C $tree -c . | podman import - localhost/served
mv $tree/www /root/served
rm -r $tree
podman create --name bench-served -p {published}:80 -p 127.0.0.1:{inner}:80 localhost/served \
    /bin/busybox httpd -f -p 80 -h /www
busybox httpd -p {of_guest} -h /root/served
"""


def measure(bench: Bench, name: str) -> None:
    """All of it, on a machine that runs; leaves it as it was."""
    inside = Guest(bench, name)
    ports = {"published": PUBLISHED, "inner": INNER, "of_guest": OF_GUEST}
    inside(IMAGE.format(bytes=FILE_BYTES, **ports))
    bench.b2p("port", "add", "-m", name, f"{BARE}:{OF_GUEST}")
    try:
        _until_answered(bench, inside)
        _throughput(bench)
    finally:
        bench.b2p("port", "rm", "-m", name, f"{BARE}:{OF_GUEST}")
        inside("podman rm -f -t 0 bench-served; podman rmi -f localhost/served; pkill httpd")
        inside("rm -r /root/served")


def _until_answered(bench: Bench, inside: Guest) -> None:
    """From the end of `podman start`, in the machine, to an answer here."""
    waited: dict[int, list[float]] = {PUBLISHED: [], INNER: []}
    for _ in range(RUNS):
        for port, seconds in waited.items():
            inside("podman stop -t 0 bench-served")
            # Its clock is ours: b2p sets it at every start.
            told = inside("podman start bench-served >/dev/null; date +%s.%N")
            seconds.append(max(0.0, _answered(port) - float(told)))
    for port, what in ((PUBLISHED, "published"), (INNER, "published on loopback")):
        median = statistics.median(waited[port])
        bench.note(f"a port {what} answers, after the start", median, "s", 0.5)


def _answered(port: int) -> float:
    """When the first answer came."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if _read(port, "/") > 0:
                return time.time()
        except (OSError, http.client.HTTPException):
            time.sleep(PAUSE)
    raise SystemExit(f"nothing answered at port {port}")


def _throughput(bench: Bench) -> None:
    """One large file through each way, turn about."""
    seconds: dict[int, list[float]] = {BARE: [], PUBLISHED: [], INNER: []}
    for _ in range(RUNS):
        for port, took in seconds.items():
            began = time.monotonic()
            _read(port, "/large")
            took.append(time.monotonic() - began)
    bare = statistics.median(seconds[BARE])
    for port, what in ((PUBLISHED, "a published port"), (INNER, "one published on loopback")):
        mine = statistics.median(seconds[port])
        shown = f"{FILE_BYTES / mine / 1e6:.0f} MB/s, bare {FILE_BYTES / bare / 1e6:.0f} MB/s"
        bench.note(f"{what}, times a bare forward's", mine / bare, "x", 1.2, shown)


def _read(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        return len(connection.getresponse().read())
    finally:
        connection.close()
