"""The data disk: found by its serial, made on first use, grown when the disk was grown, mounted."""

import ctypes
import os

import addresses
import kinds
import power

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MOUNT_POINT = "/data"
KEPT = (*kinds.HERE.storage, "/home", "/root")
"""What lasts: bound from the data disk over the image's own."""

MS_NOATIME, MS_BIND = 1024, 4096
SECTOR = 512
SPARE_BYTES = 64 << 20
"""A filesystem this much smaller than its disk is grown; less is rounding."""

LEAST_FREE = 32 << 20
"""Bytes with less of which the engine hardly starts: ext4 keeps 16 MiB that nobody gets."""
RESERVE = MOUNT_POINT + "/reserve"
RESERVE_BYTES = 64 << 20
"""Kept from whoever fills the disk, and given up then: an engine that starts can remove things.
Never written, so the host has no room taken by it."""

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878


class UnusableError(Exception):
    """The data disk can't be used as it is; it was not touched."""


def bring(
    say: "Callable[[str], object]", device: "str | None" = "", *, blank: bool = False
) -> None:
    """Make, grow and mount the data disk, if there is one; by its serial where none is named.

    One that counts as blank is made anew, whatever it holds.
    """
    if os.path.ismount(MOUNT_POINT):
        # A second agent, after the first one crashed.
        return
    if device == "":
        device = own_device()
    if device is None:
        # Engines refuse to lay overlay on overlay, so their storage needs a filesystem of its own.
        mount("tmpfs", KEPT[0], "tmpfs", 0, "mode=0711")
        return
    blocks = None if blank else _filesystem_bytes(device)
    if blocks is None:
        say("making the data disk's filesystem")
        _make(device, reads_as_zeros=not blank)
    mount(device, MOUNT_POINT, "ext4", MS_NOATIME, "discard")
    if blocks is not None and blocks + SPARE_BYTES < _size(device):
        say("growing the data disk's filesystem")
        power.run("/usr/sbin/resize2fs", device)
    _tend_reserve()
    for path in KEPT:
        _keep(path)


def fullness() -> str:
    """What is to be told of a disk with no room left on it; empty where there is some."""
    try:
        free = _free_bytes()
    except OSError:
        return ""
    given_up = 0 if _has_reserve() else RESERVE_BYTES
    if free - given_up >= LEAST_FREE:
        return ""
    return "the machine's disk is full: remove what is not needed, or b2p set --disk"


def _tend_reserve() -> None:
    """Give the reserve up on a full disk; have it on one with room for it and much more."""
    if _has_reserve():
        if _free_bytes() < LEAST_FREE:
            os.unlink(RESERVE)
    elif _free_bytes() > 4 * RESERVE_BYTES:
        file = os.open(RESERVE, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
        finally:
            os.close(file)


def _has_reserve() -> bool:
    # Not a part of one, whose making was cut short.
    return os.path.exists(RESERVE) and os.path.getsize(RESERVE) == RESERVE_BYTES


def _free_bytes() -> int:
    found = os.statvfs(MOUNT_POINT)
    return found.f_bfree * found.f_frsize


def freeze() -> None:
    """Stop writes to the data disk, all of them on the disk."""
    _frozen(FIFREEZE)


def thaw() -> None:
    """Let writes go on."""
    _frozen(FITHAW)


def _frozen(request: int) -> None:
    import fcntl

    directory = os.open(MOUNT_POINT, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(directory, request, 0)
    finally:
        os.close(directory)


def own_device() -> str | None:
    """The disk that b2p gave the machine for its data."""
    for name in sorted(os.listdir("/sys/block")):
        try:
            with open(f"/sys/block/{name}/serial") as serial:
                if serial.read().strip() == addresses.DATA_DISK_SERIAL:
                    return f"/dev/{name}"
        except OSError:
            continue
    return None


def _size(device: str) -> int:
    with open(f"/sys/class/block/{device[5:]}/size") as sectors:
        return int(sectors.read()) * SECTOR


def _filesystem_bytes(device: str) -> int | None:
    """Size of the ext4 on the disk; None where the disk is blank; raises where it holds else."""
    with open(device, "rb") as disk:
        start = disk.read(1 << 20)
    block = start[1024:2048]
    if block[56:58] == b"\x53\xef":
        count = (
            int.from_bytes(block[4:8], "little") | int.from_bytes(block[336:340], "little") << 32
        )
        return count * (1024 << int.from_bytes(block[24:28], "little"))
    if start.count(0) != len(start):
        raise UnusableError("the data disk holds something that is not ext4; it was left as it is")
    return None


def _make(device: str, *, reads_as_zeros: bool) -> None:
    # In a new raw file nothing has to be zeroed, now or in the background.
    zeroed = int(reads_as_zeros)
    # The journal is written round and round: all of it is host disk in the end, 512 MiB by default.
    power.run(
        "/usr/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-L", "b2p-data", "-J", "size=64",
        "-E", f"assume_storage_prezeroed={zeroed},nodiscard,lazy_itable_init=1", device,
    )  # fmt: skip


def _keep(path: str) -> None:
    kept = MOUNT_POINT + path
    if not os.path.isdir(kept):
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        # Aside first: a copy that was cut short must not pass for a whole one.
        aside = kept + ".new"
        if os.path.lexists(aside):
            power.run("/usr/bin/rm", "-rf", aside)
        power.run("/usr/bin/cp", "-a", path, aside)
        os.rename(aside, kept)
    mount(kept, path, "", MS_BIND, "")


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    """Mount something; raises UnusableError."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = [os.fsencode(word) for word in (source, target, kind)]
    if libc.mount(*words, flags, options.encode()) != 0:
        code = ctypes.get_errno()
        raise UnusableError(f"{source} can't be mounted on {target}: {os.strerror(code)}")


def unmounted(target: str) -> bool:
    """Unmount it; False where it is in use."""
    return ctypes.CDLL(None).umount2(os.fsencode(target), 0) == 0
