"""How big this computer is for us: architecture, cores, memory, disk, and which boot this is.

Limits that a container or a service manager sets count: a machine must fit what we may use.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from b2p.errors import HostError
from b2p.machine.architecture import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from b2p.machine.model import Arch, ArchWish

NETWORK_FILESYSTEMS = frozenset(
    (
        "9p",
        "afpfs",
        "afs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "virtiofs",
        "vboxsf",
        "webdav",
    )
)
"""Types of file systems that other computers share: sockets and locks are not to be put there."""

_TELLING = ("vendor_id", "model", "flags", "CPU ", "Features")
"""How lines of /proc/cpuinfo begin that tell processors apart; others change all the time."""

_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
"""A name of the time zone database; never a path."""

T = TypeVar("T")

ROOT = Path("/")
MIB = 1024 * 1024


def arch() -> Arch:
    """The processor's architecture; HostError for one that b2p has no image for."""
    name = platform.machine().lower()
    try:
        return ARCHITECTURES[name]
    except KeyError:
        hint = "use a computer with an x86-64 or arm64 processor"
        raise HostError(f"b2p does not know the architecture {name!r}", hint) from None


def guest_arch(wish: ArchWish) -> Arch:
    """The architecture of the guests that are wished for: unless one is named, this computer's."""
    return arch() if wish == "auto" else wish


def cores(root: Path = ROOT) -> int:
    """How many processors we may use, at least 1: those of our affinity, less any quota."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(usable, *(_rounded_up(quota) for quota in _cpu_quotas(root)), usable))


def memory_mib(root: Path = ROOT) -> int:
    """The memory that we may use at most, in MiB."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = _limits(root, "memory", ("memory.max", "memory.limit_in_bytes"), parse_bytes)
    return min(total, *limits, total) // MIB


def free_bytes(path: Path) -> int:
    """How much we may still write where `path` is or would be made."""
    return shutil.disk_usage(_nearest(path)).free


def boot_id() -> str:
    """A word that changes with each boot of this computer."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"{psutil.boot_time():.0f}"


def timezone(environment: Mapping[str, str], root: Path = ROOT) -> str:
    """The name of the zone that this computer's clock shows ("Europe/Berlin"); empty: unknown."""
    told = environment.get("TZ", "").removeprefix(":")
    if _ZONE.fullmatch(told):
        return told
    try:
        link = str((root / "etc/localtime").readlink())
    except OSError:
        link = ""
    # On macOS: /var/db/timezone/zoneinfo/Europe/Berlin.
    found = link.partition("zoneinfo/")[2].removeprefix("posix/")
    return found if _ZONE.fullmatch(found) else ""


def processor() -> str:
    """A word that tells this processor from one that lacks or adds something."""
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0]
    except OSError:
        return platform.processor()
    told = [line for line in text.splitlines() if line.startswith(_TELLING)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def is_network_filesystem(path: Path) -> bool:
    """Whether `path` lies, or would lie, on a file system that other computers share."""
    place = _nearest(path).resolve()
    try:
        mounts = list(parse_mountinfo(Path("/proc/self/mountinfo").read_text()))
    except OSError:
        import psutil

        partitions = psutil.disk_partitions(all=True)
        mounts = [(Path(mount.mountpoint), mount.fstype) for mount in partitions]
    return filesystem_type(place, mounts) in NETWORK_FILESYSTEMS


def filesystem_type(path: Path, mounts: Iterable[tuple[Path, str]]) -> str:
    """The type of the innermost mount that holds `path`; of two on one place the later one."""
    kind, depth = "", 0
    for point, mounted in mounts:
        if path.is_relative_to(point) and len(point.parts) >= depth:
            kind, depth = mounted, len(point.parts)
    return kind


def parse_mountinfo(text: str) -> Iterator[tuple[Path, str]]:
    """Mount points and their types, from /proc/self/mountinfo (proc(5)), in order."""
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if dash and len(fields) > 4:
            yield Path(_unescaped(fields[4])), after.split()[0]


def parse_cpu_max(text: str) -> float | None:
    """Processors' worth of time in cpu.max ("QUOTA PERIOD"), None for "max"."""
    quota, _, period = text.strip().partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def parse_bytes(text: str) -> int | None:
    """Bytes in memory.max or memory.limit_in_bytes, None for "max"."""
    return int(text) if text.strip().isdigit() else None


def _cpu_quotas(root: Path) -> Iterator[float]:
    yield from _limits(root, "cpu", ("cpu.max",), parse_cpu_max)
    for group in _groups(root, "cpu"):
        quota = _read(group / "cpu.cfs_quota_us", parse_bytes)
        period = _read(group / "cpu.cfs_period_us", parse_bytes)
        if quota and period:
            yield quota / period


def _limits(
    root: Path, controller: str, names: tuple[str, ...], parse: Callable[[str], T | None]
) -> Iterator[T]:
    for group in _groups(root, controller):
        for name in names:
            limit = _read(group / name, parse)
            if limit is not None:
                yield limit


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The directories of our control group and of all above it (cgroups(7)), version 1 and 2."""
    for line in (_read(root / "proc/self/cgroup", str) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        top = root / "sys/fs/cgroup"
        if controllers:
            if controller not in controllers.split(","):
                continue
            top /= controllers if (top / controllers).is_dir() else controller
        yield from accumulate([top, *Path(path).parts[1:]], lambda above, name: above / name)


def _read(path: Path, parse: Callable[[str], T]) -> T | None:
    try:
        return parse(path.read_text())
    except (OSError, ValueError):
        return None


def _rounded_up(number: float) -> int:
    return -int(-number // 1)


def _nearest(path: Path) -> Path:
    """`path`, or the innermost of its parents that exists."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _unescaped(text: str) -> str:
    # The kernel writes space, tab, newline and backslash in octal.
    for code in ("\\040", "\\011", "\\012", "\\134"):
        text = text.replace(code, chr(int(code[1:], 8)))
    return text
