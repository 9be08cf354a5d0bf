"""The size of a computer, read from made-up /proc and /sys trees."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest

from b2p.errors import HostError
from b2p.host import computer


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize(
    ("machine", "arch"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("arm64", "aarch64"), ("aarch64", "aarch64")],
)
def test_the_architecture_has_one_name(
    machine: str, arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert computer.arch() == arch


def test_an_architecture_without_an_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(HostError, match="'riscv64'"):
        computer.arch()


class TestCores:
    @pytest.fixture(autouse=True)
    def sixteen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: range(16), raising=False)

    def test_without_limits_all_that_we_may_run_on(self, tmp_path: Path) -> None:
        assert computer.cores(tmp_path) == 16

    @pytest.mark.parametrize(
        ("quota", "cores"), [("250000 100000", 3), ("5000 100000", 1), ("max 100000", 16)]
    )
    def test_a_quota_counts_rounded_up(self, tmp_path: Path, quota: str, cores: int) -> None:
        put(tmp_path, "proc/self/cgroup", "0::/a/b\n")
        put(tmp_path, "sys/fs/cgroup/a/b/cpu.max", quota)
        assert computer.cores(tmp_path) == cores

    def test_a_quota_of_a_group_above_counts(self, tmp_path: Path) -> None:
        put(tmp_path, "proc/self/cgroup", "0::/a/b\n")
        put(tmp_path, "sys/fs/cgroup/a/cpu.max", "400000 100000\n")
        put(tmp_path, "sys/fs/cgroup/a/b/cpu.max", "max 100000\n")
        assert computer.cores(tmp_path) == 4

    def test_version_1_of_control_groups_counts(self, tmp_path: Path) -> None:
        put(tmp_path, "proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/c\n")
        put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "200000\n")
        put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n")
        assert computer.cores(tmp_path) == 2

    def test_no_quota_in_version_1_is_minus_one(self, tmp_path: Path) -> None:
        put(tmp_path, "proc/self/cgroup", "3:cpu:/\n")
        put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
        put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
        assert computer.cores(tmp_path) == 16


class TestMemory:
    def test_without_limits_all_of_it(self, tmp_path: Path) -> None:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // computer.MIB
        assert computer.memory_mib(tmp_path) == installed

    def test_the_smallest_limit_counts(self, tmp_path: Path) -> None:
        put(tmp_path, "proc/self/cgroup", "0::/a/b\n")
        put(tmp_path, "sys/fs/cgroup/a/memory.max", f"{512 * computer.MIB}\n")
        put(tmp_path, "sys/fs/cgroup/a/b/memory.max", "max\n")
        assert computer.memory_mib(tmp_path) == 512

    def test_version_1_of_control_groups_counts(self, tmp_path: Path) -> None:
        put(tmp_path, "proc/self/cgroup", "4:memory:/m\n")
        put(tmp_path, "sys/fs/cgroup/memory/m/memory.limit_in_bytes", f"{300 * computer.MIB}\n")
        assert computer.memory_mib(tmp_path) == 300


def test_a_directory_that_is_yet_to_be_made_has_the_room_of_its_parent(tmp_path: Path) -> None:
    future = computer.free_bytes(tmp_path / "not" / "yet")
    assert future == pytest.approx(computer.free_bytes(tmp_path), rel=0.1)
    assert future > 0


MOUNTS = """\
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:33 / /home rw,relatime - nfs4 server:/home rw
31 30 0:34 / /home/a\\040b rw - tmpfs tmpfs rw
32 27 0:35 / /mnt rw - ext4 /dev/vdb rw
33 32 0:36 / /mnt rw - fuse.sshfs host:/ rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tmp", "ext4"),
        ("/home/c/.b2p", "nfs4"),
        ("/homes", "ext4"),
        ("/home/a b/x", "tmpfs"),
        ("/mnt/x", "fuse.sshfs"),
    ],
)
def test_the_innermost_and_latest_mount_tells_the_file_system(path: str, kind: str) -> None:
    mounts = list(computer.parse_mountinfo(MOUNTS))
    assert computer.filesystem_type(Path(path), mounts) == kind


def test_only_shared_file_systems_are_network_ones() -> None:
    assert {"nfs", "nfs4", "cifs", "fuse.sshfs"} <= computer.NETWORK_FILESYSTEMS
    assert not {"ext4", "tmpfs", "apfs", "overlay", "btrfs"} & computer.NETWORK_FILESYSTEMS
    assert not computer.is_network_filesystem(Path("/dev/not-there"))


def test_this_boot_has_one_name() -> None:
    assert computer.boot_id()
    assert computer.boot_id() == computer.boot_id()


@pytest.mark.parametrize(
    ("told", "link", "zone"),
    [
        ("", "/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("", "/var/db/timezone/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("", "../usr/share/zoneinfo/posix/UTC", "UTC"),
        ("America/New_York", "/usr/share/zoneinfo/UTC", "America/New_York"),
        (":Europe/Paris", None, "Europe/Paris"),
        ("/etc/passwd", None, ""),
        ("<+03>-3", None, ""),
        ("", "/somewhere/else", ""),
    ],
)
def test_the_time_zone_is_a_name_or_nothing(
    tmp_path: Path, told: str, link: str | None, zone: str
) -> None:
    (tmp_path / "etc").mkdir()
    if link:
        (tmp_path / "etc/localtime").symlink_to(link)
    assert computer.timezone({"TZ": told}, tmp_path) == zone
