"""How long each stage of a story took, as a report hears it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from b2p.report import Report, Task, Unit

BEFORE = "settings, host, image"


class Timed:
    """A report that hands on what it hears, and notes when."""

    def __init__(self, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._clock = clock
        self._marks: list[tuple[str, float]] = [(BEFORE, clock())]

    def stages(self) -> dict[str, float]:
        """Seconds of each stage in the order in which they came, up to now; one of a name."""
        ends = [began for _, began in self._marks[1:]] + [self._clock()]
        found: dict[str, float] = {}
        for (stage, began), end in zip(self._marks, ends, strict=True):
            if stage:
                found[stage] = found.get(stage, 0.0) + end - began
        return found

    def mark(self, stage: str) -> None:
        """A stage begins."""
        if stage != self._marks[-1][0]:
            self._marks.append((stage, self._clock()))

    @contextmanager
    def task(self, title: str, unit: Unit = "items") -> Iterator[Task]:
        """A long step; its title is the stage until it says what it does."""
        with self._report.task(title, unit) as task:
            self.mark(title)
            yield _TimedTask(task, self)
            self.mark("the rest")

    def note(self, text: str) -> None:
        """Hand it on."""
        self._report.note(text)

    def warn(self, text: str, hint: str = "") -> None:
        """Hand it on."""
        self._report.warn(text, hint)


class _TimedTask:
    """Hands on what it hears."""

    def __init__(self, task: Task, timed: Timed) -> None:
        self._task = task
        self._timed = timed

    def expect(self, total: int) -> None:
        """Hand it on."""
        self._task.expect(total)

    def advance(self, amount: int) -> None:
        """Hand it on."""
        self._task.advance(amount)

    def say(self, text: str) -> None:
        """A stage begins."""
        self._timed.mark(text)
        self._task.say(text)
