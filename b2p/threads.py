"""Work shared out to a few threads that end at once when one fails or the person says stop."""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from b2p.errors import B2PError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")

_FAREWELL = 1.0
"""Seconds that threads get to leave by themselves after a failure."""


class StoppedError(B2PError):
    """The work was given up because somebody asked for it; nobody needs to read this."""


class Halt:
    """A wish to stop that work looks at between its steps; heeds an outer one as well."""

    def __init__(self, outer: Halt | None = None) -> None:
        self._event = threading.Event()
        self._outer = outer

    def set(self) -> None:
        """Ask for the end."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether this one or an outer one was asked to end."""
        return self._event.is_set() or (self._outer is not None and self._outer.is_set())

    def check(self) -> None:
        """Raise StoppedError once the end was asked for."""
        if self.is_set():
            raise StoppedError("stopped before the end")

    def wait(self, seconds: float) -> None:
        """Sleep for that long; raises StoppedError as soon as the end is asked for."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            self._event.wait(min(left, 0.1))
        self.check()


def in_threads(
    work: Callable[[Item, Halt], Result],
    items: Sequence[Item],
    *,
    workers: int,
    halt: Halt,
) -> list[Result]:
    """What `work` returned for each item, in order; the first failure ends the rest.

    The threads are daemons, so neither Ctrl-C nor the interpreter's end waits for a read that
    hangs: an interrupted call returns within about a second.
    """
    own = Halt(halt)
    pending: SimpleQueue[tuple[int, Item]] = SimpleQueue()
    done: SimpleQueue[tuple[int, Result] | BaseException] = SimpleQueue()
    for numbered in enumerate(items):
        pending.put(numbered)
    threads = [
        threading.Thread(target=_serve, args=(work, pending, done, own), daemon=True)
        for _ in range(min(workers, len(items)))
    ]
    try:
        for thread in threads:
            thread.start()
        return _collected(done, len(items), own)
    except BaseException:
        own.set()
        until = time.monotonic() + _FAREWELL
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        raise


def _serve(
    work: Callable[[Item, Halt], Result],
    pending: SimpleQueue[tuple[int, Item]],
    done: SimpleQueue[tuple[int, Result] | BaseException],
    halt: Halt,
) -> None:
    """The life of one thread: take an item, do it, say so."""
    while not halt.is_set():
        try:
            number, item = pending.get_nowait()
        except Empty:
            return
        try:
            done.put((number, work(item, halt)))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            done.put(error)
            return


def _collected(
    done: SimpleQueue[tuple[int, Result] | BaseException], count: int, halt: Halt
) -> list[Result]:
    """All results in the order of their items; raises the first failure."""
    results: dict[int, Result] = {}
    while len(results) < count:
        halt.check()
        try:
            outcome = done.get(timeout=0.2)
        except Empty:
            continue
        if isinstance(outcome, BaseException):
            raise outcome
        results[outcome[0]] = outcome[1]
    return [results[number] for number in range(count)]
