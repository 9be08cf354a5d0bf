"""What holds root's engine until the machine's data is there: a file of its settings is a FIFO.

So it starts while the machine boots (its own start is most of what it needs, half of it page
faults), and reads its settings, and then its storage, once the gate is opened. A bare golden state
has it waiting there.
"""

import os
import stat

import addresses
import engine
import kinds
import power

PATH = addresses.GATE
"""A FIFO that the initrd made, before anybody could read it. Once it is open: an empty file, or a
link to the engine's settings."""
ARRIVED_SECONDS = 60.0
PAUSE = 0.05


class Gate:
    """Held by having the FIFO open: its reader waits for a word, or for the last writer to go."""

    def __init__(self) -> None:
        self._held: int | None = None
        try:
            if stat.S_ISFIFO(os.lstat(PATH).st_mode):
                # Not only for writing: that would wait for a reader.
                self._held = os.open(PATH, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            pass

    def open(self) -> None:
        """Let the engine go on; whoever comes later finds nothing in its way."""
        if self._held is None:
            return
        told = _settings()
        # First: who opens the path between the two is not kept.
        if told:
            os.symlink(kinds.HERE.settings, f"{PATH}.new")
            # It takes the FIFO's words for the file's.
            os.write(self._held, told)
        else:
            with open(f"{PATH}.new", "w"):
                pass
        os.replace(f"{PATH}.new", PATH)
        os.close(self._held)
        self._held = None

    def await_engine(self) -> None:
        """Until the engine waits here; not for ever."""
        left = ARRIVED_SECONDS
        while self._held is not None and left > 0 and not _has_arrived():
            power.pause(PAUSE)
            left -= PAUSE


def _settings() -> bytes:
    """What the engine is to read; nothing where its settings stand elsewhere."""
    if not kinds.HERE.settings:
        return b""
    import surroundings

    return surroundings.daemon_settings().encode()


def _has_arrived() -> bool:
    try:
        with open(f"{engine.GROUP}/cgroup.procs") as group:
            return any(_reads(pid.strip()) for pid in group)
    except OSError:
        return False


def _reads(pid: str) -> bool:
    try:
        folder = f"/proc/{pid}/fd"
        return any(os.readlink(f"{folder}/{one}") == PATH for one in os.listdir(folder))
    except OSError:
        return False
