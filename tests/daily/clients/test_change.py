"""A machine that is changed, and gives back what it does not use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.boot.person import await_true

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.daily

NAME = "changing"
MB = 10**6
DISK = "df --output=size -B1 /var/lib/containers | tail -n 1"


def test_processors_memory_and_disk_are_others_after_the_next_start(person: Person) -> None:
    person.b2p("up", NAME, "--cpus", "1", "--memory", "768MiB", "--disk", "2GiB")
    try:
        person.inside("echo kept > /root/kept", name=NAME)
        assert int(person.inside(DISK, name=NAME)) < 2 << 30
        words = ("--cpus", "2", "--memory", "1GiB", "--disk", "5GiB")
        said = person.b2p("set", NAME, *words).err
        assert "cpus 2, memory 1024MiB, disk 5GiB" in said
        assert "in force when it is started next" in said
        assert person.inside("nproc", name=NAME) == "1\n"
        refused = person.b2p("set", NAME, "--disk", "3GiB", status=2).err
        assert "cannot shrink to 3GiB" in refused
        person.b2p("down", NAME)
        person.b2p("up", NAME)
        assert person.inside("nproc; cat /root/kept", name=NAME) == "2\nkept\n"
        assert int(person.inside(DISK, name=NAME)) > 4 << 30
        total = int(person.inside("grep MemTotal /proc/meminfo", name=NAME).split()[1])
        assert 800_000 < total < 1_048_576
    finally:
        person.b2p("rm", "-f", NAME, status=None)


def test_what_is_deleted_in_the_machine_is_given_back_to_the_disk(machine: Person) -> None:
    disk = Path(machine.facts()["files"]["data_disk"])

    def used() -> int:
        return disk.stat().st_blocks * 512

    machine.inside("sync")
    before = used()
    file = "/var/lib/containers/much"
    machine.inside(f"dd if=/dev/urandom of={file} bs=1M count=500 status=none; sync")
    assert used() > before + 450 * MB
    machine.inside(f"rm {file}; sync")
    await_true("the blocks are given back", lambda: used() < before + 50 * MB)


def test_memory_that_is_free_again_is_given_back(machine: Person) -> None:
    qemu = psutil.Process(machine.facts()["pid"])
    # What other tests have read is in the guest's memory still.
    machine.inside("echo 3 > /proc/sys/vm/drop_caches")
    await_true("caches are given back", lambda: qemu.memory_info().rss < 450 * MB, seconds=120)
    before = qemu.memory_info().rss
    hold = "much = bytearray(b'x') * 500_000_000; input()"
    holding = machine.begin("ssh", "--root", "--", f'sleep 1000 | python3 -c "{hold}"')
    try:
        await_true(
            "memory is taken",
            lambda: qemu.memory_info().rss > before + 400 * MB,
            seconds=300,
        )
    finally:
        machine.inside("pkill sleep")
        holding.communicate(timeout=120)
    await_true(
        "free memory is given back",
        lambda: qemu.memory_info().rss < before + 150 * MB,
        seconds=300,
    )


def test_systemd_takes_the_unit_that_starts_a_machine_at_login(machine: Person) -> None:
    machine.b2p("autostart", "on")
    unit = machine.home / ".config/systemd/user/b2p-default.service"
    assert machine.b2p("autostart").out == "on\n"
    # The programs that it names are on this computer, not in the machine.
    text = "\n".join(
        line.partition("=")[0] + "=/usr/bin/true" if line.startswith("Exec") else line
        for line in unit.read_text().splitlines()
    )
    place = "/run/systemd/system/b2p-default.service"
    check = f"cat > {place} && systemctl daemon-reload && systemctl start b2p-default"
    ask = "systemctl show -p LoadState,ActiveState,LoadError --value b2p-default"
    machine.b2p("ssh", "--root", "--", check, stdin=text)
    assert machine.inside(ask).split() == ["loaded", "active"]
    machine.inside(f"systemctl stop b2p-default; rm {place}; systemctl daemon-reload")
    machine.b2p("autostart", "off")
    assert not unit.exists()
    assert machine.b2p("autostart").out == "off\n"
