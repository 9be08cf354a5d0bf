"""Sizes as people write them ("2GiB") and as programs count them (bytes). Pure."""

from __future__ import annotations

import re

from b2p.errors import UsageError

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40

_UNITS = {
    "b": 1,
    "k": KIB,
    "kib": KIB,
    "kb": 10**3,
    "m": MIB,
    "mib": MIB,
    "mb": 10**6,
    "g": GIB,
    "gib": GIB,
    "gb": 10**9,
    "t": TIB,
    "tib": TIB,
    "tb": 10**12,
}
_FORM = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)\s*([a-zA-Z]+)", re.ASCII)


def parsed(text: str, *, what: str = "size") -> int:
    """Bytes of "2GiB", "512MiB", "1.5TiB"; "2G" is 2GiB, "2GB" is decimal.

    `what` names it in errors. A bare number is refused: is "2048" bytes, or mebibytes?
    """
    match = _FORM.fullmatch(text.strip())
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        hint = f"write {text.strip()}MiB or {text.strip()}GiB" if text.strip().isdigit() else ""
        raise UsageError(
            f"{what} {text!r} is no size with a unit",
            hint or "write it like 512MiB, 2GiB or 1.5TiB",
        )
    whole, _, fraction = match[1].partition(".")
    parts: int = 10 ** len(fraction)
    return int(whole + fraction) * unit // parts


def written(count: int) -> str:
    """The shortest exact form of so many bytes, which `parsed` reads back: 2147483648 is "2GiB"."""
    for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if count and count % unit == 0:
            return f"{count // unit}{name}"
    return f"{count}B"


def rounded(count: float) -> str:
    """So many bytes for a reader: three digits or so, decimal units as downloads are told."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            value = count / unit
            return f"{value:.0f} {name}" if value >= 99.95 else f"{value:.1f} {name}"
    return f"{count:.0f} B"
