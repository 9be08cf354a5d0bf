"""What `up` waits for, stage by stage, each with a deadline and a hint: from power-on to /_ping."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from b2p.control.errors import GoneError
from b2p.control.guest import GuestPort
from b2p.control.plain import line
from b2p.errors import GuestError
from b2p.host import process
from b2p.launch import died, evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from b2p.control.console import ConsoleWatch
    from b2p.host.process import Started
    from b2p.report import Task
    from b2p.store.layout import MachineFiles

LAST_WORDS_SECONDS = 1.0
PAUSE = 0.01
ATTEMPT = 15.0
"""Seconds for one /_ping: under emulation the engine's first answer takes a while."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must come true."""

    stage: str
    seconds: float
    """Its deadline: ten times and more of what it takes under emulation on a slow computer."""
    hint: str


BOOTED = Requirement("booting", 150.0, "give it more time: --timeout")
IDENTIFIED = Requirement("setting up the machine", 120.0, "try again, or with --debug")
ANSWERED = Requirement("starting the engine", 90.0, "look inside: b2p ssh -- journalctl -b")


class Waiting:
    """One start being waited for: who is asked, for how long, what to show when it fails."""

    def __init__(
        self,
        files: MachineFiles,
        started: Started,
        *,
        watch: ConsoleWatch,
        task: Task,
        timeout: float,
    ) -> None:
        self._files = files
        self._started = started
        self._watch = watch
        self._task = task
        self._end = time.monotonic() + timeout
        self._timeout = timeout
        self._requirement = BOOTED
        self._stage = ""
        """What the guest's agent does, in its own words; empty before the first."""

    def until_ready(self, identity: Callable[[], dict[str, Any]]) -> None:
        """From QEMU's start to the engine's answer; raises GuestError with the stage."""
        try:
            with self._port() as port:
                next(self._events(port))
                self._requirement = IDENTIFIED
                # Sent only now: the clock in it must be right when the guest reads it.
                number = port.send("identity", **identity())
                for event in self._events(port):
                    if event.get("event") == "ready":
                        break
                    if event.get("id") == number and "error" in event:
                        raise self._failure(self._now(), str(event["error"]))
        except GoneError as error:
            raise self._broken() from error
        self._requirement = ANSWERED
        self._stage = ""
        self._until_answered()

    def _port(self) -> GuestPort:
        return GuestPort(self._files.control, still_alive=self._fine)

    def _fine(self) -> bool:
        return self._watch.failure is None and self._alive()

    def _alive(self) -> bool:
        return process.alive(self._started.pid, self._started.start_time)

    def _left(self) -> float:
        return max(0.1, min(self._requirement.seconds, self._end - time.monotonic()))

    def _events(self, port: GuestPort) -> Iterator[dict[str, Any]]:
        """The guest's events while a requirement is waited for; stages are shown as they come."""
        left = self._left()
        deadline = time.monotonic() + left
        for event in port.events(left):
            if event.get("event") == "failed":
                raise self._failure(str(event.get("stage")), str(event.get("message")))
            if stage := event.get("stage"):
                self._stage = line(str(stage))
                self._task.say(self._stage)
            yield event
            if time.monotonic() > deadline:
                # One that talks without end does not come up either.
                break
        raise self._overdue()

    def _until_answered(self) -> None:
        from b2p.client import api

        self._task.say(ANSWERED.stage)
        answer = api.await_ping(
            self._files.podman, timeout=self._left(), still_alive=self._fine, attempt=ATTEMPT
        )
        if not answer:
            raise self._overdue() if self._fine() else self._broken()

    def _broken(self) -> GuestError:
        """Why the guest went away: the console saw it, or QEMU itself ended."""
        self._hear_out()
        seen = self._watch.failure
        if seen is not None:
            return self._failure(self._now(), seen.message, seen.hint)
        if self._alive():
            return self._failure(self._now(), "the control port hung up", self._requirement.hint)
        return died(self._files, self._started, self._now())

    def _hear_out(self) -> None:
        """Wait a little for what may still be on its way: the console's last words, QEMU's end."""
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        while time.monotonic() < deadline and not self._watch.failure:
            if self._watch.ended and not self._alive():
                return
            time.sleep(PAUSE)

    def _overdue(self) -> GuestError:
        is_total = time.monotonic() >= self._end
        spent = self._timeout if is_total else self._requirement.seconds
        return self._failure(self._now(), f"not done after {spent:g} s", self._requirement.hint)

    def _now(self) -> str:
        """The stage under way: as the agent calls it, else the console, else the requirement."""
        booting = self._watch.stage if self._requirement is BOOTED else ""
        return self._stage or booting or self._requirement.stage

    def _failure(self, stage: str, message: str, hint: str = "") -> GuestError:
        return GuestError(line(stage), line(message), hint, details=evidence(self._files))
