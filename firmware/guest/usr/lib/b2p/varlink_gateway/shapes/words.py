"""Times, durations and sizes in the words of podman's REST API and of io.podman."""

from __future__ import annotations

import re
from datetime import UTC, datetime

NEVER = "0001-01-01T00:00:00Z"
UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
SIZE = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]+)?)([bkmgtp]?)(?:(?<=[kmgtp])i?b)?")
DURATION_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]*)?)(ns|us|µs|ms|s|m|h)")
DURATION = re.compile(f"(?:{DURATION_PART.pattern})+")
AGES = (
    (63072000, 31536000, "year"),
    (5184000, 2592000, "month"),
    (1209600, 604800, "week"),
    (172800, 86400, "day"),
    (7200, 3600, "hour"),
    (120, 60, "minute"),
)


def rfc3339(seconds: float | str | None) -> str:
    """A time to the second; from Unix seconds or from a text that may have a fraction."""
    if isinstance(seconds, str):
        head, dot, fraction = seconds.partition(".")
        return head + fraction.lstrip("0123456789") if dot else seconds or NEVER
    if seconds is None or seconds <= -62135596800:
        return NEVER
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_nano(nanoseconds: int) -> str:
    """A time to the nanosecond, without the zeros at its end, as Go writes it."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return rfc3339(seconds)[:-1] + fraction + "Z"


def unix_seconds(text: str | float | None) -> float:
    """The Unix seconds of an RFC 3339 text; numbers pass as they are; no time is 0."""
    if not isinstance(text, str):
        return float(text or 0)
    if not text or text == NEVER:
        return 0.0
    return datetime.fromisoformat(_short_fraction(text)).timestamp()


def _short_fraction(text: str) -> str:
    """Python reads six digits of a second."""
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    zone = rest.lstrip("0123456789")
    return f"{head}.{rest[: len(rest) - len(zone)][:6].ljust(6, '0')}{zone}"


def go_duration(seconds: float) -> str:
    """A duration as Go prints it: 1h2m3.4s."""
    hours, rest = divmod(max(seconds, 0.0), 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours:.0f}h{minutes:.0f}m{text}"
    return f"{minutes:.0f}m{text}" if minutes else text


def age(seconds: float) -> str:
    """A duration in a person's words, as podman prints ages."""
    if seconds < 1:
        return "Less than a second"
    if seconds < 120:
        return (
            f"{seconds:.0f} second{'' if int(seconds) == 1 else 's'}"
            if seconds < 60
            else "About a minute"
        )
    for least, unit, name in AGES:
        if seconds >= least:
            return f"{seconds // unit:.0f} {name}s"
    return "About an hour"


def size(text: str) -> int:
    """Bytes of a human size such as 64m or 1.5GiB; ValueError for anything else."""
    match = SIZE.fullmatch(text.strip().lower())
    if not match:
        raise ValueError(f"{text!r} is no size")
    return int(float(match[1]) * UNITS[match[2] or "b"])


def nanoseconds(text: str) -> int:
    """Nanoseconds of a Go duration such as 1m30s; ValueError for anything else."""
    word = text.strip()
    if word == "0":
        return 0
    if not DURATION.fullmatch(word):
        raise ValueError(f"{text!r} is no duration")
    parts = DURATION_PART.findall(word)
    return int(sum(float(number) * NANOSECONDS[unit] for number, unit in parts))


def pairs(words: list[str] | None) -> dict[str, str]:
    """key=value words as a map; a bare key has an empty value."""
    split = (word.partition("=") for word in words or ())
    return {key: value for key, _, value in split if key}


def filters(words: list[str] | None) -> dict[str, list[str]]:
    """key=value words as the filters of a REST list; a repeated key gathers its values."""
    gathered: dict[str, list[str]] = {}
    for word in words or ():
        key, _, value = word.partition("=")
        gathered.setdefault(key, []).append(value)
    return gathered


def split_reference(reference: str) -> tuple[str, str]:
    """Repository and tag of an image's name; a colon before the last slash belongs to a port."""
    folder, slash, last = reference.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folder}{slash}{name}", tag
