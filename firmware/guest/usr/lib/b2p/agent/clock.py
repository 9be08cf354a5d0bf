"""The clock after the computer slept: the guest's stood still, the machine's RTC did not.

The RTC's alarm is set a minute ahead and wakes the agent at once when that time has passed on the
computer, asleep or not: one wake-up a minute, and nothing in between.
"""

import os
import time

DEVICE = "/dev/rtc0"
SYSTEM = "/sys/class/rtc/rtc0"
AHEAD_SECONDS = 60
TOLERANCE = 1.0
"""Seconds: the RTC tells whole ones only."""


class Clock:
    """The alarm, and what is done when it rings; nothing at all where there is no RTC."""

    def __init__(self) -> None:
        self.file: int | None = None
        self.is_set = False

    def look(self) -> None:
        """Set the clock right and the alarm anew, if it rang or was never set."""
        if self.is_set and not self._rang():
            return
        try:
            if self.file is None:
                self.file = _opened()
            correct()
            self._arm()
        except OSError:
            # Its clock is set by the host at least, whenever a verb speaks to the machine.
            pass
        self.is_set = True

    def _rang(self) -> bool:
        if self.file is None:
            return False
        try:
            return bool(os.read(self.file, 8))
        except BlockingIOError:
            return False

    def _arm(self) -> None:
        for word in ("0", f"+{AHEAD_SECONDS}"):
            with open(f"{SYSTEM}/wakealarm", "w") as alarm:
                alarm.write(word)


def correct() -> None:
    """Take the RTC's time where the clock is another."""
    with open(f"{SYSTEM}/since_epoch") as now:
        # In the middle of its second.
        right = int(now.read()) + 0.5
    if abs(time.time() - right) > TOLERANCE:
        time.clock_settime(time.CLOCK_REALTIME, right)


def _opened() -> int:
    """The RTC, announced by SIGIO as the control port is (see port.py)."""
    import fcntl

    file = os.open(DEVICE, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(file, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_ASYNC)
    return file
