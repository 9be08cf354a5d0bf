"""One start being waited for: what must come true by when, and how a failure is told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.errors import GuestError
from b2p.host import process
from b2p.launch import died, evidence
from b2p.plain import line

if TYPE_CHECKING:
    from b2p.control.console import ConsoleWatch
    from b2p.host.process import Started
    from b2p.report import Task
    from b2p.store.layout import MachineFiles

LAST_WORDS_SECONDS = 1.0
PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must come true."""

    stage: str
    seconds: float
    """Its deadline: ten times and more of what it takes under emulation on a slow computer."""
    hint: str


class Patience:
    """Who is waited for, how long still, and what to show when it was in vain."""

    def __init__(
        self,
        files: MachineFiles,
        started: Started,
        *,
        watch: ConsoleWatch,
        task: Task,
        timeout: float,
        first: Requirement,
    ) -> None:
        """`timeout`: seconds for all requirements together; `first` is the one that is begun."""
        self.files = files
        self.started = started
        self.watch = watch
        self.task = task
        self.requirement = self._first = first
        self.stage = ""
        """What the guest says that it does, in its own words; empty before the first."""
        self._timeout = timeout
        self._end = time.monotonic() + timeout

    def begin(self, requirement: Requirement, *, say: bool = False) -> None:
        """Go on to the next requirement; `say` shows its stage."""
        self.requirement = requirement
        self.stage = ""
        if say:
            self.task.say(requirement.stage)

    def said(self, stage: str) -> None:
        """The guest has begun something."""
        self.stage = line(stage)
        self.task.say(self.stage)

    def fine(self) -> bool:
        """Whether it may still come true."""
        return self.watch.failure is None and self.alive()

    def alive(self) -> bool:
        """Whether QEMU runs."""
        return process.alive(self.started.pid, self.started.start_time)

    def left(self) -> float:
        """Seconds for the present requirement, if it began now."""
        return max(0.1, min(self.requirement.seconds, self._end - time.monotonic()))

    def now(self) -> str:
        """The stage under way: in the guest's words, else the console's, else the requirement's."""
        booting = self.watch.stage if self.requirement is self._first else ""
        return self.stage or booting or self.requirement.stage

    def failure(self, stage: str, message: str, hint: str = "") -> GuestError:
        """What to raise: with the evidence of QEMU's log and the console's."""
        return GuestError(line(stage), line(message), hint, details=evidence(self.files))

    def overdue(self) -> GuestError:
        """The time is up."""
        is_total = time.monotonic() >= self._end
        spent = self._timeout if is_total else self.requirement.seconds
        return self.failure(self.now(), f"not done after {spent:g} s", self.requirement.hint)

    def broken(self, otherwise: str) -> GuestError:
        """Why the guest went away: the console saw it, or QEMU itself ended, or `otherwise`."""
        self._hear_out()
        seen = self.watch.failure
        if seen is not None:
            return self.failure(self.now(), seen.message, seen.hint)
        if self.alive():
            return self.failure(self.now(), otherwise, self.requirement.hint)
        return died(self.files, self.started, self.now())

    def _hear_out(self) -> None:
        """Wait a little for what may still be on its way: the console's last words, QEMU's end."""
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        while time.monotonic() < deadline and not self.watch.failure:
            if self.watch.ended and not self.alive():
                return
            time.sleep(PAUSE)
