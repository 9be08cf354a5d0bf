"""Directories of the host that a guest mounts, as people write them: HOST[:GUEST][:ro][:cached].

Pure. What is written is kept in a machine's record in one canonical form.
"""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import isabs, normpath
from typing import TYPE_CHECKING, Literal

from b2p.errors import UsageError
from b2p.machine import ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Cache = Literal["none", "mmap", "loose"]

CACHES: dict[str, Cache] = {"mmap": "mmap", "cached": "loose"}
"""What people say, and what Linux calls it. Unsaid: none, as all others show stale content when the
host changes a file that the guest holds open (6.12: zeros, where it has grown)."""

MESSAGE_BYTES = 512_000
"""The largest that Linux's virtio transport takes (6.12): 125 pages."""

SLOTS = 3
"""Every machine has so many devices for mounts, used or not: a saved state then fits whatever is
mounted. More are made for whoever wants more."""

GUESTS_OWN = (
    *("/bin", "/boot", "/data", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run"),
    *("/sbin", "/sys", "/usr", "/var/lib/containers", "/var/log", "/var/tmp"),  # noqa: S108
)
"""With all below, the guest's: hidden by a mount it would not come up, or lose what it stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A directory of the host, where the guest has it, and how."""

    host: str
    guest: str
    read_only: bool = False
    cache: Cache = "none"

    def __str__(self) -> str:
        """The words that mean it."""
        options = ["ro"] * self.read_only
        options += [word for word, cache in CACHES.items() if cache == self.cache]
        guest = [self.guest] if self.guest != self.host else []
        return ":".join([self.host, *guest, *options])

    @property
    def options(self) -> str:
        """What Linux is told when it mounts it."""
        # Any user of the guest comes through one connection; the modes of files still hold there.
        words = ["trans=virtio", "version=9p2000.L", "access=any", f"msize={MESSAGE_BYTES}"]
        return ",".join([*words, f"cache={self.cache}"])


def parsed(text: str) -> Mount:
    """What somebody wrote; raises UsageError where it is no mount, or one that cannot be."""
    host, *rest = text.split(":")
    if not isabs(host):
        raise UsageError(
            f"{text!r} is no mount: the directory of the host is not absolute",
            "write its whole path: /home/me/src, or ~/src",
        )
    guests = [word for word in rest if isabs(word)]
    options = [word for word in rest if not isabs(word)]
    strange = [word for word in options if word not in {"ro", "rw", *CACHES}]
    caches = [word for word in options if word in CACHES]
    if strange or len(guests) > 1 or len(caches) > 1 or (guests and rest[0] != guests[0]):
        what = f"{strange[0]!r} means nothing here" if strange else "it says too much"
        raise UsageError(
            f"{text!r} is no mount: {what}",
            "write HOST[:GUEST][:ro][:cached or :mmap], without a colon in a path",
        )
    guest = _clean(guests[0] if guests else host)
    _check_guest(guest, text)
    return Mount(
        host=_clean(host),
        guest=guest,
        read_only="ro" in options,
        cache=CACHES[caches[0]] if caches else "none",
    )


def together(texts: Iterable[str]) -> tuple[str, ...]:
    """Mounts in their canonical form, in the order in which they are made.

    Of two at one place the later one is meant; one that shows what another shows there already is
    left out.
    """
    by_place = {mount.guest: mount for mount in map(parsed, texts)}
    ordered = [by_place[place] for place in sorted(by_place)]
    return tuple(str(mount) for mount in ordered if not _shown(mount, ordered))


def guest_path(mounts: Sequence[str], path: str) -> str:
    """Where the guest has that path of the host, best at the same place; empty where it has not."""
    holding = [mount for mount in map(parsed, mounts) if below(path, mount.host)]
    found = [mount.guest + path[len(mount.host.rstrip("/")) :] for mount in holding]
    return path if path in found else next(iter(found), "")


def below(path: str, directory: str) -> bool:
    """Whether a path is the directory itself or lies in it."""
    return f"{path}/".startswith(f"{directory.rstrip('/')}/")


def tag(number: int) -> str:
    """By what the guest knows the device of that number."""
    return f"{ports.SHARE_TAG}{number}"


def _shown(mount: Mount, others: Sequence[Mount]) -> bool:
    """Whether the nearest mount above shows the same there, in the same way."""
    above = [one for one in others if one is not mount and below(mount.guest, one.guest)]
    if not above:
        return False
    nearest = above[-1]
    same = (nearest.read_only, nearest.cache) == (mount.read_only, mount.cache)
    return same and guest_path([str(nearest)], mount.host) == mount.guest


def _clean(path: str) -> str:
    # POSIX lets two leading slashes mean something else, and normpath keeps them.
    return "/" + normpath(path).lstrip("/")


def _check_guest(path: str, text: str) -> None:
    """Raise UsageError where a mount would hide what the guest lives on."""
    if path in ("/", "/var", "/home") or any(below(path, own) for own in GUESTS_OWN):
        raise UsageError(
            f"{text!r} is no mount: {path!r} is the guest's own",
            "name another place for it: HOST:/mnt/NAME",
        )
