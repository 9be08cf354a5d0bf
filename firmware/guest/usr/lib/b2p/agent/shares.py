"""Directories of the host (9p): mounted when the machine comes up, unmounted before it is saved.

QEMU saves no machine that has one mounted, wherever in it: also a container's own copy counts.
"""

import os

import addresses
import disk
import power

MS_RDONLY, MS_REMOUNT = 1, 32


class HeldError(Exception):
    """Somebody uses a mount; the text of each of `holders` says who."""

    def __init__(self, holders: list[str]) -> None:
        super().__init__("; ".join(holders))
        self.holders = holders


class Mounted:
    """A line of mountinfo that tells of such a directory."""

    def __init__(self, line: bytes) -> None:
        words = line.split()
        end = words.index(b"-")
        self.device, self.root, self.place = words[2], words[3], _unescaped(words[4])
        self.tag = _unescaped(words[end + 2])
        self.groups = {word.partition(b":") for word in words[6:end]}
        self.is_share = words[end + 1] == b"9p" and self.tag.startswith(addresses.SHARE_TAG)

    def as_copied(self, group: bytes) -> tuple[bytes, ...]:
        """What its copies in other namespaces have as it is here; their master is this group."""
        return (self.device, self.root, os.fsencode(self.place), group)

    def group(self, kind: bytes) -> bytes:
        """The number of the group to which it sends (shared) or from which it takes (master)."""
        return next((number for word, _, number in self.groups if word == kind), b"")


class Shares:
    """What the host wishes to be mounted."""

    def __init__(self) -> None:
        self.wished: list[dict] = []

    def bring(self) -> list[str]:
        """Mount what is wished and not there; what did not work, in words."""
        there = {(one.tag, one.place) for one in mounted()}
        problems = []
        for wish in self.wished:
            first = ""
            for place in wish["at"]:
                if (wish["tag"], place) not in there:
                    try:
                        _bring(wish, place, first)
                    except (OSError, disk.UnusableError) as problem:
                        problems.append(f"not mounted: {problem}")
                        break
                first = first or place
        return problems

    def leave(self) -> None:
        """Unmount all; raises HeldError where one is in use, and leaves all as they were."""
        found = mounted()
        if not found:
            return
        import holders

        if names := holders.elsewhere(found):
            raise HeldError(names)
        for one in reversed(found):
            # One below /home shows on the data disk too, and is gone here once it is gone there.
            if not disk.unmounted(one.place) and one.place in {left.place for left in mounted()}:
                self.bring()
                raise HeldError(holders.inside(one.place) or [f"somebody uses {one.place}"])


def mounted(pid: str = "self") -> list[Mounted]:
    """Those that a process sees, in the order in which they were mounted."""
    try:
        with open(f"/proc/{pid}/mountinfo", "rb") as table:
            lines = table.read().splitlines()
    except OSError:
        return []
    return [one for one in map(Mounted, lines) if one.is_share]


def prepare() -> None:
    """Load what mounting needs, for the machines that go on from this one's saved state."""
    if not os.path.exists("/sys/module/9pnet_virtio"):
        power.run("/usr/sbin/modprobe", "-a", "9p", "9pnet_virtio")


def _bring(wish: dict, place: str, first: str) -> None:
    os.makedirs(place, exist_ok=True)
    if first:
        disk.mount(first, place, "", disk.MS_BIND, "")
        if wish["read_only"]:
            disk.mount("", place, "", disk.MS_BIND | MS_REMOUNT | MS_RDONLY, "")
    else:
        flags = MS_RDONLY if wish["read_only"] else 0
        disk.mount(wish["tag"], place, "9p", flags, wish["options"])


def _unescaped(word: bytes) -> str:
    """A path of mountinfo, where blanks and backslashes are octal numbers."""
    first, *rest = word.split(b"\\")
    return os.fsdecode(first + b"".join(bytes([int(one[:3], 8)]) + one[3:] for one in rest))
