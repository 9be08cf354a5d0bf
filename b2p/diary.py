"""What b2p does while nobody looks on is written where `b2p logs` reads. It imports little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.report import SilentReport

if TYPE_CHECKING:
    from b2p.store.layout import MachineFiles


class Diary(SilentReport):
    """What is told goes into a machine's log."""

    def __init__(self, files: MachineFiles) -> None:
        self._files = files

    def note(self, text: str) -> None:
        """Write it down."""
        with self._files.console_log.open("a", encoding="utf-8") as log:
            log.write(f"b2p: {text}\n")

    def warn(self, text: str, hint: str = "") -> None:
        """Write it down."""
        self.note(f"{text}; {hint}" if hint else text)
