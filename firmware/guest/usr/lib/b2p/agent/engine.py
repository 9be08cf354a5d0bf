"""Root's engine sleeps while nobody asks: podman's service wakes up ten times a second for nothing.

Its cgroup is frozen when it has been idle for a while, and thawed by the next connection to its
socket, which systemd shares with this agent. That takes a millisecond; a new start takes seconds.
One that has work of its own (kinds.py: freezes) is counted as asleep in the same way, and runs on.
"""

import os
import select
import time

import addresses
import kinds
import power

LISTENER = 3
"""The engine's socket, the first that systemd hands over (sd_listen_fds)."""

GROUP = "/sys/fs/cgroup/system.slice/b2p-engine.service"
IDLE_SECONDS = 20
BUSY_SHARE = 0.25
"""Of one processor: an engine that takes more works, though nobody is connected."""

ESTABLISHED = "01"
LISTENING = "0A"


def connections(table: str, port: int, state: str) -> int:
    """How many lines of /proc/net/tcp are in that state at that local port."""
    wanted = f":{port:04X}"
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(row[1].endswith(wanted) and row[3] == state for row in rows if len(row) > 3)


class Engine:
    """The engine's service as the agent tends it; asleep or awake."""

    def __init__(self) -> None:
        self.port = int(addresses.ENGINE_PORT)
        self.asleep = False
        self._shared = os.environ.get("LISTEN_FDS", "0") != "0"
        self._since = time.monotonic()
        self._used = 0.0
        # An agent before this one may have crashed while it slept.
        _freeze(frozen=False)

    def listens(self) -> bool:
        """Whether its socket is there."""
        return connections(tcp_table(), self.port, LISTENING) > 0

    def tend(self) -> float | None:
        """Put it to sleep or wake it, as is due; seconds until the next look, None for no need."""
        if not self._shared:
            return None
        if self.asleep:
            if self._is_wanted():
                self.wake()
                return IDLE_SECONDS
            return None
        left = self._since + IDLE_SECONDS - time.monotonic()
        if left > 0:
            return left
        if self._is_busy() or not self._sleep():
            self._since = time.monotonic()
            return IDLE_SECONDS
        return None

    def wake(self) -> None:
        """Let it run."""
        if self.asleep:
            _freeze(frozen=False)
            self._announce(wanted=False)
            self.asleep = False
        self._since = time.monotonic()
        self._used = _processor_seconds()

    def _sleep(self) -> bool:
        """Freeze it; False when somebody came at that very moment, or it does not run."""
        self._announce(wanted=True)
        if not _freeze(frozen=True):
            return False
        self.asleep = True
        power.shrink()
        if self._is_wanted():
            self.wake()
        return self.asleep

    def _is_busy(self) -> bool:
        used, before = _processor_seconds(), self._used
        self._used = used
        return self._is_connected() or used - before > BUSY_SHARE * IDLE_SECONDS

    def _is_wanted(self) -> bool:
        return bool(select.select([LISTENER], [], [], 0)[0]) or self._is_connected()

    def _is_connected(self) -> bool:
        return connections(tcp_table(), self.port, ESTABLISHED) > 0

    def _announce(self, *, wanted: bool) -> None:
        """Have new connections announced by SIGIO, as long as nobody else takes them."""
        import fcntl

        fcntl.fcntl(LISTENER, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(LISTENER, fcntl.F_GETFL)
        changed = flags | os.O_ASYNC if wanted else flags & ~os.O_ASYNC
        fcntl.fcntl(LISTENER, fcntl.F_SETFL, changed)


def warm() -> None:
    """Have in memory what a start of the engine reads, without a disk: a rehearsal elsewhere."""
    for command in kinds.HERE.rehearsal:
        power.run(*command)


def tcp_table() -> str:
    """The kernel's table of TCP connections."""
    with open("/proc/net/tcp") as table:
        return table.read()


def _freeze(*, frozen: bool) -> bool:
    if not kinds.HERE.freezes:
        return os.path.isdir(GROUP)
    try:
        with open(f"{GROUP}/cgroup.freeze", "w") as switch:
            switch.write("1" if frozen else "0")
    except OSError:
        return False
    return True


def _processor_seconds() -> float:
    try:
        with open(f"{GROUP}/cpu.stat") as figures:
            return int(figures.readline().split()[1]) / 1e6
    except (OSError, ValueError, IndexError):
        return 0.0
