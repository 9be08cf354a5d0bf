"""What `up` waits for, stage by stage, each with a deadline and a hint: from power-on to /_ping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from b2p.control.errors import GoneError
from b2p.control.guest import GuestPort
from b2p.patience import Patience, Requirement
from b2p.plain import line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from b2p.control.console import ConsoleWatch
    from b2p.host.process import Started
    from b2p.report import Task
    from b2p.store.layout import MachineFiles

ATTEMPT = 15.0
"""Seconds for one /_ping: under emulation the engine's first answer takes a while."""

BOOTED = Requirement("booting", 150.0, "give it more time: --timeout")
IDENTIFIED = Requirement("setting up the machine", 120.0, "try again, or with --debug")
REHEARSED = Requirement("rehearsing the engine's start", 90.0, "try again, or with --debug")
ANSWERED = Requirement("starting the engine", 90.0, "look inside: b2p ssh -- journalctl -b")


class Waiting:
    """A start of b2p's own image: its agent is heard and told, then its engine is asked."""

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
        self._patience = Patience(
            files, started, watch=watch, task=task, timeout=timeout, first=BOOTED
        )

    def until_ready(
        self,
        identity: Callable[[], dict[str, Any]],
        *,
        warn: Callable[[str, str], None],
        has_booted: bool = False,
    ) -> None:
        """From QEMU's start to the engine's answer; raises GuestError with the stage.

        A guest that begins from a state `has_booted`: it waits to be spoken to. `warn` hears what
        it could not do and came up without.
        """
        patience = self._patience
        try:
            with GuestPort(self._files.control, still_alive=patience.fine) as port:
                if not has_booted:
                    next(self._events(port))
                patience.requirement = IDENTIFIED
                # Sent only now: the clock in it must be right when the guest reads it.
                told = identity()
                number = port.send("identity", **told)
                for event in self._events(port):
                    if event.get("event") == "ready":
                        told_problems(event, warn)
                        if told.get("network") and not event.keys() & {"network", "problems"}:
                            warn("its image knows of no networks of machines", "b2p upgrade")
                        break
                    if event.get("id") == number and "error" in event:
                        raise patience.failure(patience.now(), str(event["error"]))
        except GoneError as error:
            raise patience.broken("the control port hung up") from error
        patience.begin(ANSWERED, say=True)
        until_answered(patience)

    def until_warm(self) -> None:
        """From QEMU's start to the gate, all that comes after it rehearsed."""
        patience = self._patience
        try:
            with GuestPort(self._files.control, still_alive=patience.fine) as port:
                next(self._events(port))
                patience.requirement = REHEARSED
                number = port.send("warm")
                for event in self._events(port):
                    if event.get("id") == number:
                        if "error" in event:
                            raise patience.failure(patience.now(), str(event["error"]))
                        return
        except GoneError as error:
            raise patience.broken("the control port hung up") from error

    def _events(self, port: GuestPort) -> Iterator[dict[str, Any]]:
        """The guest's events while a requirement is waited for; stages are shown as they come."""
        patience = self._patience
        left = patience.left()
        deadline = time.monotonic() + left
        for event in port.events(left):
            if event.get("event") == "failed":
                raise patience.failure(str(event.get("stage")), str(event.get("message")))
            if stage := event.get("stage"):
                patience.said(str(stage))
            yield event
            if time.monotonic() > deadline:
                # One that talks without end does not come up either.
                break
        raise patience.overdue()


def told_problems(ready: dict[str, Any], warn: Callable[[str, str], None]) -> None:
    """Hand on what a guest that is ready could not do."""
    problems = ready.get("problems")
    for one in problems if isinstance(problems, list) else []:
        warn(line(str(one)), "look inside: b2p ssh --root -- dmesg")


def until_answered(patience: Patience) -> None:
    """Wait until the engine answers at podman's socket."""
    from b2p.client import api

    answer = api.await_ping(
        patience.files.podman,
        timeout=patience.left(),
        still_alive=patience.fine,
        attempt=ATTEMPT,
    )
    if not answer:
        raise patience.overdue() if patience.fine() else patience.broken("it hung up")
