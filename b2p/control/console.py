"""The serial console, followed live by pexpect: stages as they come, failures as they happen."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

from b2p.control.errors import GoneError
from b2p.control.sightings import PATTERNS, Kind, Sighting, sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

CONNECT_TIMEOUT = 5.0
_CHUNK = 1 << 14
# What no pattern took is let go at each line's end, so that nothing grows; so is an endless line.
_CONSUMED = (re.compile(rb"\n"), re.compile(rb"[^\n]{65536}"))


class ConsoleWatch:
    """Follows a console while a machine boots: `with ConsoleWatch(path, on_stage) as watch: ...`.

    `on_stage` is called from the watching thread with one safe line of text. QEMU keeps the log by
    itself; while somebody watches, nobody else can attach to the console.
    """

    def __init__(
        self,
        path: Path,
        on_stage: Callable[[str], None] = lambda _: None,
        *,
        on_failure: Callable[[Sighting], None] = lambda _: None,
    ) -> None:
        """`on_failure` is called (from the thread) with the first failure, see `failure`."""
        self._path = path
        self._on_stage = on_stage
        self._on_failure = on_failure
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._watch, name="console", daemon=True)
        self._failure: Sighting | None = None
        self._stage = ""
        self._ended = threading.Event()

    @property
    def failure(self) -> Sighting | None:
        """The first failure that was seen, None while all goes well."""
        return self._failure

    @property
    def stage(self) -> str:
        """The last stage that the guest named; empty before the first."""
        return self._stage

    @property
    def ended(self) -> bool:
        """Whether QEMU closed the console."""
        return self._ended.is_set()

    def __enter__(self) -> Self:
        try:
            self._socket.settimeout(CONNECT_TIMEOUT)
            self._socket.connect(str(self._path))
        except OSError as error:
            self._socket.close()
            reason = (error.strerror or str(error)).lower()
            raise GoneError(f"no console at {str(self._path)!r}: {reason}") from error
        self._thread.start()
        return self

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Let somebody else talk on the console, which takes one client at a time."""
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            self._ended.clear()
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._thread = threading.Thread(target=self._watch, name="console", daemon=True)
            self.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # It wakes the thread from its read; close alone would not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(CONNECT_TIMEOUT)
        self._socket.close()

    def _watch(self) -> None:
        from pexpect import EOF
        from pexpect.socket_pexpect import SocketSpawn

        # Any: the types that pexpect ships know of text only, and a console is bytes.
        spawn: Any = SocketSpawn(self._socket, timeout=None, maxread=_CHUNK)
        spawn.delayafterread = None  # a guest that debugs says a lot: no pause between reads
        patterns = [pattern for _, pattern in PATTERNS] + list(_CONSUMED)
        try:
            while True:
                number = spawn.expect_list(patterns)
                if number < len(PATTERNS):
                    self._see(sighting(PATTERNS[number][0], spawn.match))
        except (EOF, OSError, ValueError):  # hung up, reset, or closed by us
            pass
        finally:
            self._ended.set()

    def _see(self, seen: Sighting) -> None:
        if seen.kind is Kind.STAGE:
            self._stage = seen.text
            self._on_stage(seen.text)
        elif self._failure is None:
            self._failure = seen
            self._on_failure(seen)
