"""How others start a machine, beside b2p: from a cached image to an engine that answers.

The peers themselves fetch images that cannot be reached where b2p is developed. What is timed is
their way, with the real consumer in the guest: a Debian cloud image with cloud-init, told by a
NoCloud CD and asked by ssh until it answers (Lima, Colima, Multipass); and an image with Ignition,
told over fw_cfg and asked by ssh (podman machine). The same QEMU, memory and processors for all.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scripts.lib.bench import Bench

CLOUD, IGNITION = "cloud-init and ssh (Lima's way)", "Ignition and ssh (podman machine's way)"
FIGURES = tuple(f"{way}: {when}" for way in (CLOUD, IGNITION) for when in ("new", "started again"))
PAUSE = 0.5
PATIENCE = 600.0
MEMORY_MIB = 2048


def measure(bench: Bench) -> None:
    """First and later starts of each; b2p's own come first, and the others are told in them."""
    from b2p.report import SilentReport
    from tests.boot.person import cache_home
    from tests.standins import disks
    from tests.standins.workshop import Workshop

    new, stopped = _ours(bench)
    workshop = Workshop(cache_home() / "b2p", SilentReport())
    try:
        qemu = workshop.host.qemu.command
        found = disks.disks(workshop)
        ways = (
            (CLOUD, found.cloud, "debian", cloud),
            (IGNITION, found.ignition, "core", ignition),
        )
        for what, image, user, told in ways:
            first, later = _theirs(qemu, image, user, told)
            bench.note(f"{what}: new", first, "s", None, f"{first / new:.0f} x b2p's")
            bench.note(f"{what}: started again", later, "s", None, f"{later / stopped:.0f} x b2p's")
    finally:
        workshop.close()


def _ours(bench: Bench) -> tuple[float, float]:
    """Seconds of `b2p up` of a new machine and of one that was stopped, each with its answer."""
    bench.b2p("up", "peer")
    bench.b2p("down", "peer")
    news, agains = [], []
    for _ in range(bench.runs):
        agains.append(bench.timed("up", "peer"))
        bench.b2p("rm", "-f", "peer")
        news.append(bench.timed("up", "peer"))
        bench.b2p("down", "peer")
    bench.b2p("rm", "-f", "peer")
    new, again = statistics.median(news), statistics.median(agains)
    bench.note("b2p up: a new machine", new, "s")
    bench.note("b2p up: started again", again, "s")
    return new, again


def _theirs(
    qemu: Sequence[str], image: Path, user: str, told: Callable[[Path, str], Sequence[str]]
) -> tuple[float, float]:
    """Seconds from the copy of the image, and from a second start, to the engine's answer."""
    from tests.standins.by_hand import PING, booted, new_key, sparse_copy

    with tempfile.TemporaryDirectory(prefix="b2p-peer-", dir="/tmp") as place:
        home = Path(place)
        key = new_key(home)
        public = key.with_suffix(".pub").read_text().strip()
        began = time.monotonic()
        disk = sparse_copy(image, home / "disk.raw")
        options = ["-drive", f"file={disk},if=virtio,format=raw", *told(home, public)]
        seconds = []
        for _ in range(2):
            with booted(qemu, options, home, key=key, user=user, memory=MEMORY_MIB) as guest:
                guest.await_ssh()
                while guest.ssh(PING).stdout != "OK":
                    if time.monotonic() - began > PATIENCE:
                        raise SystemExit(f"no engine of {image}:\n{guest.serial[-2000:]}")
                    time.sleep(PAUSE)
                seconds.append(time.monotonic() - began)
                guest.power_button()
            began = time.monotonic()
        return seconds[0], seconds[1]


def cloud(home: Path, public: str) -> Sequence[str]:
    """QEMU's words for a NoCloud CD that gives the user a key and the engine a socket."""
    from tests.standins.by_hand import told_by_nocloud

    user_data = {
        "ssh_authorized_keys": [public],
        "runcmd": [["systemctl", "enable", "--now", "podman.socket"]],
    }
    return told_by_nocloud(home, user_data, "peer")


def ignition(home: Path, public: str) -> Sequence[str]:
    """The same by Ignition, over fw_cfg."""
    from tests.standins.by_hand import told_by_ignition

    config = {
        "ignition": {"version": "3.3.0"},
        "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": [public]}]},
        "systemd": {"units": [{"name": "podman.socket", "enabled": True}]},
    }
    return told_by_ignition(home, config)
