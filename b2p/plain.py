"""Text from a guest, made safe to show: no escape sequence, control or direction character."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ESCAPES = re.compile(
    r"""
    (?: \x1b \[ | \x9b ) [0-?]* [ -/]* [@-~]?               # CSI: colours, cursor, modes
    | (?: \x1b [\]PX^_] | [\x9d\x90\x98\x9e\x9f] )          # OSC, DCS, SOS, PM, APC: strings
      [^\x07\x1b\x9c\n]* (?: \x07 | \x1b\\ | \x9c )?
    | \x1b [ -/]* [0-~]?                                    # the others: charsets, reset, keys
    """,
    re.VERBOSE,
)
_KEPT = "\n\t"
_TAIL_BYTES = 1 << 16


def plain(text: str | bytes) -> str:
    """The text with nothing in it that a terminal would obey; lines end in a newline.

    Bytes are read as UTF-8, wrong ones replaced. Also for text with rich's markup a caller must
    escape brackets itself.
    """
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(one for one in text if one in _KEPT or not _acts(one))


def line(text: str | bytes, longest: int = 200) -> str:
    """The text as one line of at most `longest` characters."""
    words = " ".join(plain(text).split())
    return words if len(words) <= longest else words[: longest - 3] + "..."


def tail(path: Path, lines: int) -> str:
    """The last lines of a log that say anything, safe to show; empty where it cannot be read."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - _TAIL_BYTES))
            content = log.read(_TAIL_BYTES)
    except OSError:
        return ""
    return last(content, lines)


def last(text: str | bytes, lines: int) -> str:
    """The last lines of a text that say anything, safe to show."""
    said = [one.rstrip() for one in plain(text).split("\n") if one.strip()]
    return "\n".join(said[-lines:]) if lines > 0 else ""


def _acts(character: str) -> bool:
    """Controls (Cc), formats such as changes of direction (Cf), halves of pairs (Cs)."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"}
