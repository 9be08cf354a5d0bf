"""A guest as people expect one: their time zone, a right clock, room for watches, swap, discard."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from b2p.control.monitor import Monitor
from tests.boot.person import await_true

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.boot

ASLEEP_SECONDS = 70
"""More than the minute after which the guest looks at its RTC by itself."""
MIB = 1 << 20


def test_limits_are_those_that_programs_of_today_expect(machine: Person) -> None:
    names = ("vm.max_map_count", "fs.inotify.max_user_watches", "fs.inotify.max_user_instances")
    assert machine.inside(f"sysctl -n {' '.join(names)}").split() == ["1048576", "1048576", "8192"]
    limits = (
        "grep -E 'open files|processes|locked memory' /proc/$(systemctl show -P MainPID {})/limits"
    )
    for line in machine.inside(limits.format("b2p-engine")).splitlines():
        assert "unlimited" in line or "1048576" in line, line


def test_there_is_swap_in_packed_memory(machine: Person) -> None:
    await_true("swap", lambda: "/dev/zram0" in machine.inside("cat /proc/swaps"))


def test_the_journal_is_bounded(machine: Person) -> None:
    assert "RuntimeMaxUse=32M" in machine.inside("systemd-analyze cat-config systemd/journald.conf")


def test_the_guest_shows_the_time_zone_of_this_computer(machine: Person) -> None:
    machine.b2p("up", environment={"TZ": "Asia/Tokyo"})
    assert machine.inside("date +%z").strip() == "+0900"


def test_the_clock_is_right_after_the_computer_slept(machine: Person, monitor_of: Path) -> None:
    with Monitor(monitor_of) as monitor:
        # As with a sleeping laptop: the guest's time stands still, the RTC follows the computer's.
        monitor.execute("stop")
        time.sleep(ASLEEP_SECONDS)
        monitor.execute("cont")
    offsets = []

    def is_right() -> bool:
        before = time.time()
        inside = float(machine.inside("date +%s.%N"))
        offsets.append(max(before - inside, inside - time.time()))
        return offsets[-1] < 1.0

    await_true("a right clock", is_right)


@pytest.fixture
def monitor_of(machine: Person) -> Path:
    """The socket of QEMU's second monitor."""
    return Path(machine.facts()["files"]["calls"])


def test_what_is_deleted_inside_is_given_back_outside(machine: Person) -> None:
    disk = Path(machine.facts()["files"]["data_disk"])

    def used() -> int:
        return disk.stat().st_blocks * 512

    before = used()
    machine.inside("head -c 100M /dev/urandom >/home/core/big; sync")
    await_true("the file outside", lambda: used() > before + 90 * MIB)
    machine.inside("rm /home/core/big; sync")
    await_true("its room given back", lambda: used() < before + 30 * MIB)
