"""A machine that nobody needs asks the host, once, to be suspended; where it was told to.

Looked at when the agent is awake anyway: whoever came and went since is known by the kernel's count
of TCP connections. Its only timer of its own is the one that runs out.
"""

import time

import addresses
import call
import engine
import power

COUNTERS = "/proc/net/snmp"
PROCESSORS = "/proc/stat"
SESSIONS = "/sys/fs/cgroup/system.slice/system-b2p\\x2dssh.slice/cgroup.events"
"""What sessions of ssh have started; it may go on once they have ended."""
BUSY_SHARE = 0.1
"""Of one processor: a machine that takes more works, whatever it is."""
TICKS = 100.0


class Idleness:
    """Since when nobody needs the machine, and the call that tells the host."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.token = ""
        self._since = 0.0
        self._connections = -1
        self._used = 0.0
        self._call: call.Call | None = None

    def begin(self, seconds: float, token: str) -> None:
        """From now on ask after so many seconds; 0: never."""
        self.seconds = seconds if token else 0.0
        self.token = token
        self._call = None
        self._rest()

    def tend(self, *, engine_sleeps: bool) -> "float | None":
        """Ask when it is time; seconds until the next look, None for no need."""
        if self._call is not None:
            return self._heard()
        if not self.seconds:
            return None
        if not engine_sleeps or self._connections != connections() or is_connected():
            self._rest()
        if not engine_sleeps:
            # Its falling asleep is looked after already.
            return None
        left = self._since + self.seconds - time.monotonic()
        if left > 0:
            return left
        used = processor_seconds() - self._used
        if reason := needed() or (f"it worked for {used:g} s" if used > self._bearable() else ""):
            # For whoever wonders why it does not sleep: journalctl -u b2p-agent.
            print(f"not idle: {reason}", flush=True)
            self._rest()
            return self.seconds
        self._call = call.Call(self.token, "idle")
        return self._heard()

    def _bearable(self) -> float:
        return BUSY_SHARE * self.seconds

    def _heard(self) -> "float | None":
        """What the host said; whatever it was, it is asked again only after the whole time."""
        try:
            if self._call.answer() is None:
                return self._call.left()
        except call.RefusedError as error:
            print(f"idle: {error}", flush=True)
        self._call = None
        self._rest()
        return self.seconds

    def _rest(self) -> None:
        self._since = time.monotonic()
        self._connections = connections()
        self._used = processor_seconds()


def needed() -> str:
    """Who needs the machine just now; empty: nobody."""
    if power.owners_of_containers():
        return "a container runs"
    if is_connected():
        return "somebody is connected"
    if _is_populated(SESSIONS):
        return "a program runs that was started by ssh"
    return ""


def is_connected() -> bool:
    """Whether anybody is, from outside or to there."""
    return connected(engine.tcp_table())


def connected(table: str) -> bool:
    """Whether /proc/net/tcp has a connection that leads out of the machine, host calls apart."""
    calls = f"{_hex(addresses.CALLS_ADDRESS)}:{int(addresses.CALLS_PORT):04X}"
    rows = (line.split() for line in table.splitlines()[1:])
    return any(
        len(row) > 3
        and row[3] == engine.ESTABLISHED
        and row[2] != calls
        and not row[2].partition(":")[0].endswith("7F")
        for row in rows
    )


def _hex(address: str) -> str:
    return "".join(f"{int(part):02X}" for part in reversed(address.split(".")))


def _is_populated(path: str) -> bool:
    try:
        with open(path) as events:
            return "populated 1\n" in events
    except OSError:
        return False


def connections() -> int:
    """TCP connections that were ever made, by whichever side.

    Not their segments: what is left of a connection of before a resume has some for ever.
    """
    with open(COUNTERS) as file:
        names, values = (line.split() for line in file if line.startswith("Tcp:"))
    return sum(int(values[names.index(name)]) for name in ("ActiveOpens", "PassiveOpens"))


def processor_seconds() -> float:
    """What all processors together have worked so far."""
    with open(PROCESSORS) as file:
        fields = [int(word) for word in file.readline().split()[1:8]]
    # user nice system idle iowait irq softirq
    return (sum(fields) - fields[3] - fields[4]) / TICKS
