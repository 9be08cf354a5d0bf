"""Block devices: which holds the machine's data, or is to, and which a cloud's seed."""

import os

import addresses
import disk

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = "/sys/class/block"
PASSED_OVER = ("loop", "ram", "zram", "nbd", "dm-")
LABEL = b"b2p-data"
MOST_ARCHIVE = 64 << 10
"""Bytes of a format-me disk's archive."""


class Data:
    """The device for what lasts."""

    def __init__(self, device: str, *, is_new: bool) -> None:
        self.device = device
        self.is_new = is_new


def devices() -> "Iterator[str]":
    """Disks and partitions, by name; the disks of a kind before their partitions."""
    for name in sorted(os.listdir(BLOCKS)):
        if not name.startswith(PASSED_OVER):
            yield f"/dev/{name}"


def data() -> "Data | None":
    """b2p's own data disk by its serial, a file system of that label, or a disk to be taken."""
    own = disk.own_device()
    if own is not None:
        return Data(
            own, is_new=begins(own, len(addresses.FORMAT_ME)) == addresses.FORMAT_ME.encode()
        )
    wanted = None
    for device in devices():
        head = begins(device, 4096)
        if head[1080:1082] == b"\x53\xef" and head[1144:1160].rstrip(b"\0") == LABEL:
            return Data(device, is_new=False)
        if wanted is None and head.startswith(addresses.FORMAT_ME.encode() + b"\0"):
            wanted = Data(device, is_new=True)
    return wanted


def keys(wanted: Data) -> "list[str]":
    """The ssh keys in the archive at the start of a format-me disk."""
    import io
    import tarfile

    found: list[str] = []
    archive = io.BytesIO(begins(wanted.device, MOST_ARCHIVE))
    try:
        with tarfile.open(fileobj=archive, mode="r|") as members:
            for member in members:
                if member.isreg() and member.name.endswith(".ssh/authorized_keys"):
                    text = members.extractfile(member).read().decode("utf-8", "replace")
                    found += [line.strip() for line in text.splitlines() if line.strip()]
    except (tarfile.TarError, EOFError):
        # What its window cuts off is lost, what came before is good.
        pass
    return found


def label(device: str) -> str:
    """Of an ISO or a FAT; empty for all else."""
    head = begins(device, 512)
    if head[510:512] == b"\x55\xaa":
        for magic, at in ((82, 71), (54, 43)):
            if head[magic : magic + 3] == b"FAT":
                return head[at : at + 11].decode("ascii", "replace").strip()
    volume = begins(device, 32, at=16 * 2048 + 40, magic=(16 * 2048 + 1, b"CD001"))
    return volume.decode("ascii", "replace").strip(" \0")


def begins(
    device: str, length: int, *, at: int = 0, magic: "tuple[int, bytes] | None" = None
) -> bytes:
    """Bytes of a device; none where it cannot be read, or where it lacks the magic."""
    try:
        with open(device, "rb", buffering=0) as file:
            if magic:
                file.seek(magic[0])
                if file.read(len(magic[1])) != magic[1]:
                    return b""
            file.seek(at)
            return file.read(length)
    except OSError:
        return b""
