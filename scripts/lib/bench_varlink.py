"""What varlink costs beside REST through the same kind of forward, with ten containers in place."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import statistics
import tarfile
import threading
import time
from typing import TYPE_CHECKING, Any

from scripts.lib.varlink_wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.lib.bench import Bench

RUNS = 30
CONTAINERS = 10
CALLS = 1000
CLIENTS = 50
FILE_BYTES = 500_000_000
IDLE_SECONDS = 120.0
"""At most: the gateway leaves after half a minute without a client."""
SPOOLED = "bench.bin"
GATEWAY = "pgrep -f /usr/lib/b2p/varlink_gateway"


def measure(bench: Bench, name: str) -> None:
    """All of it, on a machine that runs; leaves it as it was."""
    files = bench.facts()["files"]
    address, engine = f"unix:{files['varlink']}", files["podman"]
    inside = Guest(bench, name)
    prepare(engine)
    _speed(bench, address, engine)
    _many(bench, address, inside)
    _file(bench, address, inside)
    _idle(bench, address, inside)
    inside("podman rm -fa -t 0; podman rmi -fa; rm -rf /var/lib/containers/varlink/*")


class Guest:
    """Commands of root's in the machine."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench = bench
        self._name = name

    def __call__(self, line: str) -> str:
        """What the line prints."""
        return self._bench.b2p("ssh", "--root", self._name, "--", line, must=False).strip()


class _Engine(http.client.HTTPConnection):
    """podman's REST API over its socket, one connection for many requests."""

    def __init__(self, path: str) -> None:
        super().__init__("podman", timeout=300)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)

    def __call__(self, method: str, target: str, body: bytes | None = None) -> Any:
        """The answer's JSON."""
        headers = {"Content-Type": "application/json"} if body else {}
        self.request(method, target, body, headers)
        answer = self.getresponse()
        told = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {target}: {answer.status} {told.decode()}")
        return json.loads(told) if told.strip() else None


def prepare(engine: str) -> None:
    """An image of nothing, and containers that never run."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    with contextlib.closing(_Engine(engine)) as podman:
        path = "/v5.0.0/libpod"
        podman("POST", f"{path}/images/import?reference=bench", packed.getvalue())
        wish = json.dumps({"image": "localhost/bench:latest", "command": ["/none"]}).encode()
        for _ in range(CONTAINERS):
            podman("POST", f"{path}/containers/create", wish)


def _speed(bench: Bench, address: str, engine: str) -> None:
    """Call and request turn about, so that a busy computer is as unkind to both."""
    with Wire(address) as wire, contextlib.closing(_Engine(engine)) as podman:
        version, asked = _turn_about(
            lambda: wire("GetVersion"), lambda: podman("GET", "/v5.0.0/libpod/version")
        )
        ratio = version / asked
        bench.note("varlink GetVersion, times REST's /version", ratio, "x", 1.1, f"{asked:.3f} s")
        path = "/v5.0.0/libpod/containers/json?all=true&size=true&namespace=true"
        listed, same = _turn_about(lambda: wire("ListContainers"), lambda: podman("GET", path))
        more = f"{listed / same:.2f} x REST's {same:.3f} s"
        bench.note("varlink ListContainers beyond REST's", listed - same, "s", 0.02, more)


def _turn_about(one: Callable[[], Any], other: Callable[[], Any]) -> tuple[float, float]:
    """The medians of both."""
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS + 1):
        for act, times in zip((one, other), spent, strict=True):
            began = time.monotonic()
            act()
            times.append(time.monotonic() - began)
    # The first of each warms up.
    return statistics.median(spent[0][1:]), statistics.median(spent[1][1:])


def _many(bench: Bench, address: str, inside: Guest) -> None:
    """Many calls on one connection, and many connections."""
    resident = f"ps -o rss= -p $({GATEWAY} | head -n 1)"
    with Wire(address) as wire:
        for _ in range(CALLS // 10):
            wire("ListContainers")
        before = int(inside(resident))
        for _ in range(CALLS):
            wire("ListContainers")
        grown = int(inside(resident)) - before
    bench.note(f"the gateway's growth by {CALLS} calls", grown / 1000, "MB", 1, f"{before} kB")
    began = time.monotonic()
    answered: list[str] = []
    threads = [
        threading.Thread(target=lambda: answered.append(_version(address))) for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.note(f"{CLIENTS} clients at once", time.monotonic() - began, "s")
    bench.note("of them not answered", float(CLIENTS - len(answered)), "", 0)


def _version(address: str) -> str:
    with Wire(address) as wire:
        return str(wire("GetVersion")["version"])


def _file(bench: Bench, address: str, inside: Guest) -> None:
    """The same bytes by ReceiveFile and over ssh; the ratio of the times is what counts."""
    path = f"/var/lib/containers/varlink/{SPOOLED}"
    inside(f"mkdir -p -m 700 /var/lib/containers/varlink; head -c {FILE_BYTES} /dev/zero > {path}")
    began = time.monotonic()
    with Wire(address) as wire:
        length = wire.upgrade("ReceiveFile", path=path, delete=False)["len"]
        while length and (data := wire.read(min(length, 1 << 20))):
            length -= len(data)
    by_varlink = time.monotonic() - began
    began = time.monotonic()
    inside(f"cat {path} | head -c {FILE_BYTES} >&2")
    by_ssh = time.monotonic() - began
    what = f"ReceiveFile of {FILE_BYTES // 1_000_000} MB, times ssh's"
    bench.note(what, by_varlink / by_ssh, "x", 2, f"{by_varlink:.1f} s")
    inside(f"rm -f {path}")


def _idle(bench: Bench, address: str, inside: Guest) -> None:
    """Nobody is left when nobody calls; the next call starts it again."""
    deadline = time.monotonic() + IDLE_SECONDS
    while (left := inside(GATEWAY)) and time.monotonic() < deadline:
        time.sleep(2)
    bench.note("gateways in an idle machine", float(len(left.split())), "", 0)
    began = time.monotonic()
    _version(address)
    bench.note("first varlink call after idleness", time.monotonic() - began, "s", 3)
