"""Where core's containers are published: by programs of core's that listen in the machine.

No rule of the kernel's tells of them, as of root's (rules.py). They come and go with the scopes of
core's own systemd; a scope is a directory of cgroups, so inotify hears of it.
"""

import ctypes
import os

import rules

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = "/sys/fs/cgroup"
HELPERS = ("/usr/bin/pasta", "/usr/bin/passt", "/usr/libexec/podman/rootlessport",
           "/usr/lib/podman/rootlessport")  # fmt: skip
"""What podman has listen for a container that is not root's, by its network."""

NONBLOCK, CLOSE_ON_EXEC = os.O_NONBLOCK, os.O_CLOEXEC
MADE, GONE, ONLY_DIRECTORIES = 0x100, 0x200, 0x01000000
"""IN_CREATE, IN_DELETE, IN_ONLYDIR of inotify(7)."""
SIZE = 1 << 14
LISTENING = {"tcp": "0A", "udp": "07"}
"""Of /proc/net: with udp, whoever is not connected."""
MAPPED = "0000000000000000FFFF0000"


class Scopes:
    """Hears of containers of core's by their cgroups, and says so by SIGIO."""

    def __init__(self, user: int) -> None:
        import fcntl

        self.user = user
        self._folders = _folders(user)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._heard = self._libc.inotify_init1(NONBLOCK | CLOSE_ON_EXEC)
        if self._heard < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        fcntl.fcntl(self._heard, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(self._heard, fcntl.F_GETFL)
        fcntl.fcntl(self._heard, fcntl.F_SETFL, flags | os.O_ASYNC)
        self._watch()

    def changed(self) -> bool:
        """Whether one has come or gone since the last look."""
        found = False
        while True:
            try:
                found = bool(os.read(self._heard, SIZE)) or found
            except BlockingIOError:
                break
        if found:
            self._watch()
        return found

    def close(self) -> None:
        """Hear no more of them."""
        os.close(self._heard)

    def _watch(self) -> None:
        """Have all watched that is there by now; to watch one twice is to watch it once."""
        for folder in self._folders:
            mask = MADE | GONE | ONLY_DIRECTORIES
            if self._libc.inotify_add_watch(self._heard, os.fsencode(folder), mask) < 0:
                # It, and what would lie in it, comes later.
                return


def of_core(before: "Scopes | None") -> Scopes:
    """Those of the user core; new ones where another number was core's before."""
    import pwd

    user = pwd.getpwnam("core").pw_uid
    if before is not None and before.user == user:
        return before
    if before is not None:
        before.close()
    return Scopes(user)


def _folders(user: int) -> "list[str]":
    steps = ("user.slice", f"user-{user}.slice", f"user@{user}.service", "user.slice")
    return [os.path.join(GROUPS, *steps[:count]) for count in range(len(steps) + 1)]


def translations() -> "list[rules.Translation]":
    """All that they listen for just now; the target is the helper itself."""
    sockets = {inode for pid in os.listdir("/proc") if pid.isdigit() for inode in _sockets(pid)}
    if not sockets:
        return []
    found = []
    for protocol, state in LISTENING.items():
        for table in (protocol, f"{protocol}6"):
            with open(f"/proc/net/{table}") as lines:
                found += listeners(lines.read(), protocol, state, sockets)
    return found


def listeners(
    table: str, protocol: str, state: str, sockets: "set[str]"
) -> "Iterator[rules.Translation]":
    """Those sockets of a table of /proc/net that wait for somebody in that state."""
    for line in table.splitlines()[1:]:
        row = line.split()
        if len(row) > 9 and row[3] == state and row[9] in sockets:
            where, _, port = row[1].partition(":")
            address = _address(where)
            if address is not None:
                number = int(port, 16)
                yield rules.Translation(protocol, address, number, "127.0.0.1", number)


def _address(word: str) -> "str | None":
    """As rules.py tells it, empty for all; None for one of IPv6, where QEMU leads nothing."""
    if not word.strip("0"):
        return ""
    if len(word) == 32 and not word.startswith(MAPPED):
        return None
    four = bytes.fromhex(word[-8:])
    return ".".join(str(byte) for byte in reversed(four))


def _sockets(pid: str) -> "Iterator[str]":
    """The inodes of a helper's sockets; nothing of other programs."""
    try:
        if not os.readlink(f"/proc/{pid}/exe").startswith(HELPERS):
            return
        for one in os.listdir(f"/proc/{pid}/fd"):
            kind, _, inode = os.readlink(f"/proc/{pid}/fd/{one}").partition(":")
            if kind == "socket":
                yield inode.strip("[]")
    except OSError:
        return
