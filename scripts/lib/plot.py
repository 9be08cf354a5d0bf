"""Bars as SVG: one row a figure, drawn to one scale, readable on light and dark pages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, ROW, PAD = 760, 34, 20
LABELS = 330
"""Pixels for the words at the left."""
VALUES = 80
"""Pixels for the number at a bar's end."""
OURS, OTHERS = "#00897b", "#90a4ae"
STYLE = "font-family: system-ui, sans-serif; font-size: 14px"


@dataclass(frozen=True)
class Bar:
    """One figure."""

    label: str
    value: float
    is_ours: bool = True
    """Whether it is b2p's, or what that is compared with."""


def svg(title: str, unit: str, bars: Sequence[Bar], *, note: str = "") -> str:
    """The picture, with a text for those who do not see it."""
    height = PAD * 2 + 30 + ROW * len(bars) + (24 if note else 0)
    most = max((bar.value for bar in bars), default=0.0) or 1.0
    told = "; ".join(f"{bar.label} {bar.value:.2f} {unit}" for bar in bars)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' style="{STYLE}">'
        ),
        f"<title>{escape(title)}: {escape(told)}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fafafa"/>',
        _text(PAD, PAD + 14, title, weight="bold"),
    ]
    for number, bar in enumerate(bars):
        lines += _row(bar, PAD + 30 + ROW * number, most, unit)
    if note:
        lines.append(_text(PAD, height - PAD + 4, note, colour="#607d8b"))
    return "\n".join([*lines, "</svg>\n"])


def _row(bar: Bar, top: int, most: float, unit: str) -> list[str]:
    length = max(2.0, bar.value / most * (WIDTH - LABELS - VALUES - PAD))
    colour = OURS if bar.is_ours else OTHERS
    middle = top + ROW // 2 + 5
    return [
        _text(PAD, middle, bar.label),
        (
            f'<rect x="{LABELS}" y="{top + 6}" width="{length:.1f}" height="{ROW - 12}" rx="3"'
            f' fill="{colour}"/>'
        ),
        _text(LABELS + length + 8, middle, f"{bar.value:.2f} {unit}"),
    ]


def _text(
    left: float, base: int, text: str, *, colour: str = "#263238", weight: str = "normal"
) -> str:
    words = f'x="{left:.1f}" y="{base}" fill="{colour}" font-weight="{weight}"'
    return f"<text {words}>{escape(text)}</text>"
