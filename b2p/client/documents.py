"""Files of other programs that b2p adds to: JSON objects in which all that is not ours is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from b2p.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it is to be; with no content it goes."""

    path: Path
    content: str
    mode: int = 0o644
    """For one that is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A machine as clients are to know it."""

    alias: str
    socket: Path
    docker_socket: Path
    """The one that docker's clients should take."""
    description: str


class Client(Protocol):
    """What one kind of client writes down of engines. All raise StateError on a broken file."""

    @property
    def place(self) -> Path:
        """The file or directory of its settings."""

    def leads_to(self, alias: str) -> str:
        """The address of the engine of that name; empty where it knows none."""

    def address(self, entry: Entry) -> str:
        """What it should be."""

    def default(self) -> str:
        """Which engine it takes unless it is told; empty for the computer's own."""

    def telling(self, entry: Entry, *, default: bool) -> Sequence[Change]:
        """What makes it know the engine; with `default` as the one it takes."""

    def forgetting(self, entry: Entry, *, default_before: str) -> Sequence[Change]:
        """What makes it as it was."""


def text_of(path: Path) -> str:
    """The content of a file; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"{str(path)!r} cannot be read: {error}", "see to it") from error


def object_of(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds; an empty one where there is none."""
    text = text_of(path)
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError(f"{str(path)!r} is no JSON: {error}", "correct it there") from error
    if not isinstance(found, dict):
        raise StateError(f"{str(path)!r} holds no JSON object", "correct it there")
    return found


def compact(document: dict[str, Any]) -> str:
    """JSON as Go's programs write it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
