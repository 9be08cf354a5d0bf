"""Tables for people: columns two cells apart, states in colour, folded to the terminal's width."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from b2p.terminal import Voice, fancy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from b2p.terminal import Style


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, spare: Sequence[str] = ()
) -> str:
    """Columns two cells apart, a heading above; states in colour on a terminal.

    There the last column goes on below itself where it is too long for the line, once those that
    it can spare were left out, in their order.
    """
    voice = Voice(sys.stdout, colour=fancy(sys.stdout))
    for heading in spare if sys.stdout.isatty() else ():
        if _width(headings, rows) > shutil.get_terminal_size().columns:
            left = [number for number, one in enumerate(headings) if one != heading]
            headings, *rows = ([row[number] for number in left] for row in (headings, *rows))
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    colours: dict[str, Style] = {
        "running": "green",
        "suspended": "yellow",
        "broken": "red",
        "stopped": "dim",
    }
    colours |= {"ok": "green", "warn": "yellow", "fail": "red"}
    lines: list[str] = []
    for row in _folded((headings, *rows), widths):
        style: Style = "bold" if not lines else ""
        cells = [
            voice.styled(cell, style or colours.get(cell, "")) + " " * (width - len(cell))
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _width(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Of the whole table."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return sum(widths) + 2 * (len(widths) - 1)


def _folded(rows: Iterable[Sequence[str]], widths: Sequence[int]) -> Iterator[Sequence[str]]:
    """The rows, each one whose last cell is too long for the terminal as several."""
    room = shutil.get_terminal_size().columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
    for row in rows:
        if not sys.stdout.isatty() or len(row[-1]) <= room:
            yield row
            continue
        first, *rest = textwrap.wrap(
            row[-1], max(room, 20), break_long_words=False, break_on_hyphens=False
        ) or [""]
        yield (*row[:-1], first)
        yield from ((*("" for _ in row[:-1]), line) for line in rest)
