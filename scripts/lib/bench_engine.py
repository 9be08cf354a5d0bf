"""Root's engine beside core's and beside docker's own socket; and how fast images are verified."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.by_hand import answered

if TYPE_CHECKING:
    from scripts.lib.bench import Bench

RUNS = 15
QUESTION = "/v1.41/containers/json"
MEGABYTE = 1e6


def measure(bench: Bench, name: str) -> None:
    """All of it, on a machine that runs."""
    told = json.loads(bench.b2p("status", name, "--json"))
    _sockets(bench, {key: Path(told[f"{key}_socket"]) for key in ("podman", "core", "docker")})
    _verify(bench)


def _sockets(bench: Bench, sockets: dict[str, Path]) -> None:
    """The same question at each, turn about; the first ones start what serves there."""
    for key, what in (("core", "core's engine"), ("docker", "docker's own socket")):
        began = time.monotonic()
        answered(sockets[key], QUESTION)
        bench.note(f"{what}, the first answer after idle", time.monotonic() - began, "s")
    seconds: dict[str, list[float]] = {key: [] for key in sockets}
    for _ in range(RUNS):
        for key, socket in sockets.items():
            began = time.monotonic()
            answered(socket, QUESTION)
            seconds[key].append(time.monotonic() - began)
    root, core, docker = (statistics.median(seconds[key]) for key in ("podman", "core", "docker"))
    bench.note("core's containers listed, times root's", core / root, "x", 1.3, f"{root:.3f} s")
    bench.note("listed at docker's own socket, times podman's", docker / root, "x", 2)


def _verify(bench: Bench) -> None:
    """An image's bytes by the digests that were written down when it was built."""
    images = json.loads(bench.b2p("image", "ls", "--json"))["images"]
    image = next(one for one in images if one["kind"] == "built")
    spent = bench.timed("image", "verify", image["digest"])
    rate = image["used_bytes"] / spent / MEGABYTE
    bench.note("image verify, 300 MB/s over ours", 300 / rate, "x", 1, f"{rate:.0f} MB/s")
