"""What an image of somebody else's costs: proven once, then all that `up` does before QEMU."""

from __future__ import annotations

import os
import signal
import statistics
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.lib.bench import Bench

MACHINE = "benchimage"
IMAGE_BYTES = 1_000_000_000
BLOCK = 1 << 20
SLOWEST = 300e6
"""Bytes a second."""
OWN_SHARE = 0.5
PATIENCE = 120.0


def measure(bench: Bench) -> None:
    """A gigabyte that nobody knows, proven and then started; nothing is left of it."""
    image = bench.home / "gigabyte.raw"
    write_image(image)
    seconds = [b2p_proves(bench, image) for _ in range(bench.runs)]
    by_hand = statistics.median(sha256sum(image) for _ in range(bench.runs))
    proven, start_up = statistics.median(seconds), _rest_of_pull(bench, image)
    alone = max(proven - start_up, 0.001)
    rate = IMAGE_BYTES / alone / 1e6
    compared = f"{rate:.0f} MB/s; sha256sum's {IMAGE_BYTES / by_hand / 1e6:.0f}"
    bench.note("1 GB of an image proven", alone, "s", IMAGE_BYTES / SLOWEST, compared)
    bench.note("the same image once more", start_up, "s", OWN_SHARE, "nothing is read again")
    if Path("/proc/self/cmdline").exists():
        share = statistics.median(before_qemu(bench, image) for _ in range(bench.runs))
        help_ = statistics.median(bench.timed("--help") for _ in range(bench.runs))
        compared = f"{share / help_:.1f} x b2p --help"
        bench.note(
            "up --image of a known image, until QEMU starts", share, "s", OWN_SHARE, compared
        )
    image.unlink()


def write_image(path: Path) -> None:
    """A disk with one partition, and noise in it: holes and zeros would be too easy."""
    first = bytearray(os.urandom(BLOCK))
    first[446:510] = struct.pack("<4xB3xII", 0x83, 2048, IMAGE_BYTES // 512 - 2048).ljust(64, b"\0")
    first[510:512] = b"\x55\xaa"
    noise = os.urandom(BLOCK)
    with path.open("wb") as file:
        file.write(first)
        while file.tell() < IMAGE_BYTES - BLOCK:
            file.write(noise)
        file.truncate(IMAGE_BYTES)


def b2p_proves(bench: Bench, image: Path) -> float:
    """Seconds of `b2p image pull` that has to read it, since its time is another."""
    os.utime(image)
    return bench.timed("image", "pull", str(image))


def _rest_of_pull(bench: Bench, image: Path) -> float:
    """The same without reading."""
    return statistics.median(bench.timed("image", "pull", str(image)) for _ in range(bench.runs))


def sha256sum(image: Path) -> float:
    """What coreutils, or Perl on macOS, takes."""
    began = time.monotonic()
    for words in (["sha256sum", str(image)], ["shasum", "-a", "256", str(image)]):
        try:
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        except FileNotFoundError:
            continue
        break
    return time.monotonic() - began


def before_qemu(bench: Bench, image: Path) -> float:
    """Seconds from `b2p up --image` to the process of QEMU; then both are sent away."""
    from scripts.lib.bench import environment

    words = [str(bench.tree / "scripts/b2p"), "up", MACHINE, "--image", str(image)]
    began = time.monotonic()
    b2p = subprocess.Popen(
        words,
        env=environment(bench.home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        while not _runs() and b2p.poll() is None and time.monotonic() - began < PATIENCE:
            time.sleep(0.01)
        spent = time.monotonic() - began
        if b2p.poll() is not None:
            raise SystemExit(f"b2p up --image failed:\n{b2p.communicate()[1].decode()}")
        return spent
    finally:
        os.killpg(b2p.pid, signal.SIGTERM)
        b2p.communicate()
        bench.b2p("rm", "-f", MACHINE, must=False)


def _runs() -> bool:
    """Whether some process bears the machine's name as QEMU does."""
    mark = f"b2p-{MACHINE}".encode()
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            content = words.read_bytes()
        except OSError:
            continue
        if mark in content and b"-machine" in content.split(b"\0"):
            return True
    return False
