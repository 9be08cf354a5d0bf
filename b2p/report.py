"""What the core may say to a person; how it looks is the terminal's business."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

Unit = Literal["bytes", "items"]


class Task(Protocol):
    """One long step under way. Safe to call from several threads."""

    def expect(self, total: int) -> None:
        """Say how much there is to do in all; may grow later."""

    def advance(self, amount: int) -> None:
        """Say that so much more is done."""

    def say(self, text: str) -> None:
        """Name what is being done just now (a stage, a file); replaces what was said before."""


class Report(Protocol):
    """The listener that the stories speak to. Tasks may overlap (two threads, two bars)."""

    def task(self, title: str, unit: Unit = "items") -> AbstractContextManager[Task]:
        """A long step, shown until the block ends; on an exception it is shown as failed."""

    def note(self, text: str) -> None:
        """A plain remark."""

    def warn(self, text: str, hint: str = "") -> None:
        """Something is not as it should be, and what to do about it; the work goes on."""


class SilentTask:
    """Hears and says nothing."""

    def expect(self, total: int) -> None:
        """Hear it."""

    def advance(self, amount: int) -> None:
        """Hear it."""

    def say(self, text: str) -> None:
        """Hear it."""


class SilentReport:
    """For library use and tests."""

    @contextmanager
    def task(self, title: str, unit: Unit = "items") -> Iterator[Task]:  # noqa: ARG002 - protocol
        """A step that nobody sees."""
        yield SilentTask()

    def note(self, text: str) -> None:
        """Hear it."""

    def warn(self, text: str, hint: str = "") -> None:
        """Hear it."""
