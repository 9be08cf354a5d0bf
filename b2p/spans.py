"""Spans of time as people write them ("30m") and as programs count them (seconds). Pure."""

from __future__ import annotations

import re

from b2p.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"(\d{1,9})\s*([smhd])", re.ASCII)
OFF = "off"


def parsed(text: str, *, what: str = "time") -> int:
    """Seconds of "90s", "30m", "2h", "1d"; 0 of "off". `what` names it in errors."""
    if text.strip() == OFF:
        return 0
    match = _FORM.fullmatch(text.strip())
    if match is None:
        number = text.strip()
        hint = f"write {number}m or {number}h" if number.isdigit() else "write it like 30m or 2h"
        raise UsageError(f"{what} {text!r} is no time with a unit", hint)
    return int(match[1]) * _UNITS[match[2]]


def written(seconds: int) -> str:
    """The shortest exact form, which `parsed` reads back: 1800 is "30m"."""
    if not seconds:
        return OFF
    unit = next(name for name in "dhms" if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
