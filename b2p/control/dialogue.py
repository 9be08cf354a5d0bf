"""A script of b2p/provision/dialogue.py, played on a serial console by pexpect."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any, Protocol

from b2p.control.errors import GoneError
from b2p.control.sightings import PATTERNS, Kind, sighting
from b2p.errors import GuestError
from b2p.plain import last, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

CONNECT_TIMEOUT = 5.0
SLOWNESS = 4.0
"""By how much a guest under emulation may be slower than a step expects."""
TYPING_PAUSE = 0.02
"""Seconds between pieces of what is typed: an emulated port has a small buffer."""
_PIECE = 64
_PATIENCE = "give it more time: --timeout; see its console: b2p logs, b2p console"
_ENDS = [(kind, pattern) for kind, pattern in PATTERNS if kind is not Kind.STAGE]
"""The ways in which a boot ends, whatever was typed."""


class Refusal(Protocol):
    """What means that a step cannot succeed."""

    @property
    def pattern(self) -> bytes: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...


class Step(Protocol):
    """See b2p/provision/dialogue.py."""

    @property
    def purpose(self) -> str: ...
    @property
    def expect(self) -> bytes: ...
    @property
    def send(self) -> bytes: ...
    @property
    def seconds(self) -> float: ...
    @property
    def tries(self) -> int: ...
    @property
    def may_fail(self) -> bool: ...
    @property
    def failures(self) -> Sequence[Refusal]: ...
    @property
    def keeps(self) -> str: ...
    @property
    def unless(self) -> bytes: ...


def play(
    console: Path,
    steps: Sequence[Step],
    *,
    timeout: float,
    say: Callable[[str], None] = lambda _: None,
    slowness: float = SLOWNESS,
    pause: float = TYPING_PAUSE,
) -> dict[str, str]:
    """Play the steps, within `timeout` seconds; what those with `keeps` brought, by name.

    Nobody else may be connected to the console meanwhile. Raises GuestError with the step's
    purpose as its stage, GoneError where QEMU hangs up.
    """
    from pexpect import EOF, TIMEOUT
    from pexpect.socket_pexpect import SocketSpawn

    with _connected(console) as sock:
        # Any: the types that pexpect ships know of text only, and a console is bytes.
        spawn: Any = SocketSpawn(sock, timeout=None, maxread=1 << 14)
        spawn.delayafterread = None
        player = _Player(
            spawn,
            sock,
            TIMEOUT,
            slowness=slowness,
            pause=pause,
            deadline=time.monotonic() + timeout,
        )
        try:
            return player.all(steps, say)
        except (EOF, OSError) as error:
            raise GoneError(f"the console at {str(console)!r} was closed") from error


class _Player:
    """Plays steps on one console."""

    def __init__(
        self,
        spawn: Any,
        sock: socket.socket,
        overdue: Any,
        *,
        slowness: float,
        pause: float,
        deadline: float,
    ) -> None:
        self._spawn = spawn
        self._socket = sock
        self._overdue = overdue
        self._slowness = slowness
        self._pause = pause
        self._deadline = deadline

    def all(self, steps: Sequence[Step], say: Callable[[str], None]) -> dict[str, str]:
        """All steps in order."""
        kept: dict[str, str] = {}
        is_skipped = False
        for step in steps:
            if is_skipped:
                is_skipped = False
                continue
            say(step.purpose)
            is_skipped = self._one(step, kept)
        return kept

    def _one(self, step: Step, kept: dict[str, str]) -> bool:
        """One step; whether the next one is to be left out."""
        wanted = [step.expect, *([step.unless] if step.unless else [])]
        refusals = [one.pattern for one in step.failures]
        patterns = [*wanted, *refusals, *(pattern for _, pattern in _ENDS)]
        for _ in range(step.tries):
            if time.monotonic() > self._deadline:
                raise self._failed(step, "nothing came in time", _PATIENCE)
            self._type(step.send)
            number = self._expect(patterns, step.seconds * self._slowness)
            if number is None:
                continue
            if number >= len(wanted):
                raise self._refused(step, number - len(wanted))
            self._taken(step, kept)
            return number > 0
        if step.may_fail:
            return False
        raise self._failed(step, "nothing came", _PATIENCE)

    def _refused(self, step: Step, number: int) -> GuestError:
        """What came instead: one of the step's own failures, else one of the ends of a boot."""
        if number < len(step.failures):
            refusal = step.failures[number]
            return self._failed(step, refusal.message, refusal.hint)
        seen = sighting(_ENDS[number - len(step.failures)][0], self._spawn.match)
        return self._failed(step, seen.message, seen.hint)

    def _taken(self, step: Step, kept: dict[str, str]) -> None:
        groups = self._spawn.match.groupdict()
        status = groups.get("status")
        if status is not None and int(status) and not step.may_fail:
            raise self._failed(step, f"the guest's command failed with status {int(status)}", "")
        if step.keeps:
            kept[step.keeps] = (groups.get("text") or b"").decode(errors="replace").strip()

    def _expect(self, patterns: list[Any], seconds: float) -> int | None:
        """The number of the pattern that came; None where none did in time."""
        compiled = self._spawn.compile_pattern_list(patterns)
        try:
            left = max(0.1, self._deadline - time.monotonic())
            number: int = self._spawn.expect_list(compiled, timeout=min(seconds, left))
        except self._overdue:
            return None
        return number

    def _type(self, text: bytes) -> None:
        for start in range(0, len(text), _PIECE):
            self._socket.sendall(text[start : start + _PIECE])
            time.sleep(self._pause)

    def _failed(self, step: Step, message: str, hint: str) -> GuestError:
        before = self._spawn.before if isinstance(self._spawn.before, bytes) else b""
        return GuestError(step.purpose, line(message), hint, details=last(before, 8))


@contextlib.contextmanager
def _connected(console: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(CONNECT_TIMEOUT)
        try:
            sock.connect(str(console))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise GoneError(f"no console at {str(console)!r}: {reason}") from error
        sock.settimeout(None)
        yield sock
