"""A person at the serial console: raw terminal, one key to leave, the terminal always restored."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import termios
import threading
import time
import tty
from typing import TYPE_CHECKING, Literal

from b2p.control.errors import GoneError, SilentError
from b2p.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

DETACH = "ctrl-]"
CONNECT_TIMEOUT = 2.0
SETTLE = 0.5
"""Seconds of silence after which the output for a piped input is taken to be complete."""
_CHUNK = 1 << 14
_MOST_PENDING = 1 << 16

Ending = Literal["detached", "ended", "hangup", "input over"]


class _HangupError(Exception):
    """The window was closed, or somebody ended us: leave in good order."""


def detach_byte(key: str) -> bytes:
    """The byte that a key such as "ctrl-]" sends. Raises UsageError for another kind of key."""
    letter = key.lower().removeprefix("ctrl-").upper()
    if key.lower().startswith("ctrl-") and len(letter) == 1 and "@" <= letter <= "_":
        return bytes([ord(letter) & 0x1F])
    raise UsageError(f"{key!r} cannot be the detach key", "use ctrl- and one of a-z [ ] \\ ^ _ @")


def attach(
    path: Path,
    *,
    stdin: int = 0,
    stdout: int = 1,
    detach: str = DETACH,
    say: Callable[[str], None] = lambda _: None,
) -> Ending:
    """Join two descriptors to the console at `path` until the person leaves or the machine ends.

    A terminal is made raw meanwhile; anything else is copied in up to its end, and then what comes
    back until it falls silent. `say` hears what a person should know, never while the terminal is
    raw. Raises GoneError where the machine does not run, SilentError where another is attached.
    """
    key = detach_byte(detach)
    with _connected(path) as console:
        is_terminal = os.isatty(stdin)
        if is_terminal:
            say(f"attached to the console; {detach} detaches")
        try:
            with _hangups(), _raw(stdin, wanted=is_terminal):
                ending = _Talk(console, stdin, stdout, key if is_terminal else b"").run()
        except _HangupError:
            # It may come while the terminal is made raw, or restored, as well.
            ending = "hangup"
    if ending in {"detached", "ended"}:
        say({"detached": "detached", "ended": "the machine ended"}[ending])
    return ending


class _Talk:
    """Both directions between a person (or a pipe) and a console."""

    def __init__(self, console: socket.socket, stdin: int, stdout: int, key: bytes) -> None:
        """`key` ends the talk; empty where no person types."""
        self._console = console
        self._stdin = stdin
        self._stdout = stdout
        self._key = key
        self._pending = b""
        self._quiet_at: float | None = None
        """Once the input is over: when the silence will have been long enough."""

    def run(self) -> Ending:
        """Copy both ways until something ends it."""
        while True:
            ready, writable = self._awaited()
            if not ready and not writable:
                return "input over"
            if self._console in ready and not _shown(self._console, self._stdout):
                return "ended"
            ending = self._take_in() if self._stdin in ready else None
            if ending:
                return ending
            if writable:
                self._pending = self._pending[_sent(self._console, self._pending) :]
            if self._quiet_at is not None:
                self._quiet_at = time.monotonic() + SETTLE

    def _awaited(self) -> tuple[list[int | socket.socket], list[socket.socket]]:
        """Who has something to say or room to hear; nobody when it stayed silent to the end."""
        wait = None if self._quiet_at is None else max(0.0, self._quiet_at - time.monotonic())
        readers: list[int | socket.socket] = [self._console]
        if self._quiet_at is None and len(self._pending) < _MOST_PENDING:
            readers.append(self._stdin)
        writers = [self._console] if self._pending else []
        ready, writable, _ = select.select(readers, writers, [], wait)
        return ready, writable

    def _take_in(self) -> Ending | None:
        """Read what was typed; how the talk ends if that ends it."""
        typed = _typed(self._stdin)
        if self._key:
            if not typed:
                return "hangup"
            typed, left, _ = typed.partition(self._key)
            if left:
                return "detached"
        elif not typed:
            self._quiet_at = time.monotonic() + SETTLE
        self._pending += typed
        return None


def _shown(console: socket.socket, stdout: int) -> bool:
    """Copy what the guest says; False when the machine has ended."""
    try:
        said = console.recv(_CHUNK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    rest = said
    while rest:
        rest = rest[os.write(stdout, rest) :]
    return bool(said)


def _typed(stdin: int) -> bytes:
    """What was typed; empty at the end of the input, or when the terminal is gone."""
    try:
        return os.read(stdin, _CHUNK)
    except OSError:
        return b""


def _sent(console: socket.socket, data: bytes) -> int:
    try:
        return console.send(data)
    except BlockingIOError:
        return 0
    except OSError:
        return len(data)  # the end of the machine is seen at the next read


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    console = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with console:
        console.settimeout(CONNECT_TIMEOUT)
        try:
            console.connect(str(path))
        except (TimeoutError, BlockingIOError) as error:  # QEMU's queue is full
            raise SilentError(
                "somebody else is attached to the console", "detach there first"
            ) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise GoneError(
                f"no console at {str(path)!r}: {reason}", "start the machine with 'b2p up'"
            ) from error
        console.setblocking(False)
        yield console


@contextlib.contextmanager
def _raw(stdin: int, *, wanted: bool) -> Iterator[None]:
    """A terminal that passes every key on; as it was before, whatever happens."""
    if not wanted:
        yield
        return
    before = termios.tcgetattr(stdin)
    try:
        tty.setraw(stdin)
        yield
    finally:
        # A window that was closed has no terminal to restore.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(stdin, termios.TCSAFLUSH, before)


@contextlib.contextmanager
def _hangups() -> Iterator[None]:
    """SIGHUP and SIGTERM end the block with _HangupError instead of ending the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        raise _HangupError

    numbers = (signal.SIGHUP, signal.SIGTERM)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
