"""JSON lines as a hostile peer may send them. Pure."""

from __future__ import annotations

import json
from typing import Any

LONGEST = 1 << 20
"""Bytes of the longest line that is listened to."""


class Lines:
    """Bytes in as they come, whole lines out; a line that is too long is left out."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends."""
        found = []
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._keep(end)
            if not self._skipping:
                found.append(bytes(self._rest))
            self._rest.clear()
            self._skipping = False
        self._keep(rest)
        return found

    def _keep(self, part: bytes) -> None:
        if self._skipping or len(self._rest) + len(part) > self._longest:
            self._skipping = True
            self._rest.clear()
        else:
            self._rest += part


def message(line: bytes) -> dict[str, Any] | None:
    """The JSON object in a line; None for anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
