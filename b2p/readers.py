"""The values of settings, each read from what TOML, a flag or the environment had. Pure.

A reader takes the key and the raw value; WrongError says what the key takes instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from b2p import names, sizes, spans
from b2p.machine.registries import misspelt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NO_NETWORK = "none"
"""The word for a machine that is in no network."""
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
SIZES = ("memory", "disk", "golden_limit")
"""Keys whose values are bytes, written with a unit."""
_LEAST = {"memory": 256 * sizes.MIB, "disk": sizes.GIB, "golden_limit": sizes.GIB}
SPANS = ("idle_suspend",)
"""Keys whose values are seconds, written with a unit."""
LEAST_IDLE = 30
"""Seconds."""
_EXAMPLE = {
    "memory": "2GiB",
    "disk": "100GiB",
    "golden_limit": "2GiB",
    "provision": "setup.sh",
    "each_start": "setup.sh",
    "files": "daemon.conf:/etc/daemon.conf",
    "units": "my.service",
    "quadlets": "web.container",
}


class WrongError(Exception):
    """A value has not the form that its key takes; the text says which."""


def whole(key: str, raw: object) -> int:
    """A number from 1 on."""
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 1:
        raise WrongError(f"{key} takes a whole number from 1 on")
    return raw


def size(key: str, raw: object) -> int:
    """Bytes, of a text with a unit."""
    if not isinstance(raw, str):
        raise WrongError(f'{key} takes a size with its unit as a string, such as "{_EXAMPLE[key]}"')
    count = sizes.parsed(raw, what=key)
    if count < _LEAST[key]:
        raise WrongError(f"{key} takes {sizes.written(_LEAST[key])} or more")
    return count


def span(key: str, raw: object) -> int:
    """Seconds, of a text with a unit; "off" is 0."""
    if not isinstance(raw, str):
        raise WrongError(f'{key} takes a time with its unit as a string, such as "30m", or "off"')
    seconds = spans.parsed(raw, what=key)
    if 0 < seconds < LEAST_IDLE:
        raise WrongError(f"{key} takes {spans.written(LEAST_IDLE)} or more")
    return seconds


def text(key: str, raw: object) -> str:
    """Any text."""
    if not isinstance(raw, str):
        raise WrongError(f"{key} takes a string")
    return raw


def texts(key: str, raw: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise WrongError(f'{key} takes a list of strings, such as ["~", "/srv/data:/data:ro"]')
    return tuple(raw)


def truth(key: str, raw: object) -> bool:
    """true or false."""
    if not isinstance(raw, bool):
        raise WrongError(f"{key} takes true or false")
    return raw


def package_names(key: str, raw: object) -> tuple[str, ...]:
    """Names of Debian's packages."""
    if not isinstance(raw, list) or not all(isinstance(one, str) and one for one in raw):
        raise WrongError(f'{key} takes a list of names, such as ["htop"]')
    for one in raw:
        if not _PACKAGE.fullmatch(one):
            raise WrongError(f"{one!r} is not the name of a Debian package")
    return tuple(raw)


def registries(key: str, raw: object) -> tuple[str, ...]:
    """Names of registries, or pairs of a name and its mirror."""
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise WrongError(f'{key} takes a list, such as ["quay.io"]')
    for one in raw:
        if wrong := misspelt(one, pair=key == "registry_mirrors"):
            raise WrongError(wrong)
    return tuple(raw)


def paths(key: str, raw: object) -> tuple[str, ...]:
    """Paths, or pairs of one here and one in the guest."""
    if not isinstance(raw, list) or not all(isinstance(one, str) and one for one in raw):
        raise WrongError(f'{key} takes a list of paths, such as ["{_EXAMPLE[key]}"]')
    for one in raw:
        guest = one.rpartition(":")[2]
        if key == "files" and (guest == one or not guest.startswith("/") or ".." in guest):
            raise WrongError(f"{key} takes HOST:GUEST, and GUEST begins with /")
    return tuple(raw)


def network(key: str, raw: object) -> str:
    """The name of a network of machines; empty for none."""
    word = text(key, raw)
    if word not in ("", NO_NETWORK) and not names.FORM.fullmatch(word):
        raise WrongError(f'{key} takes a name of small letters, such as "lab", or "{NO_NETWORK}"')
    return "" if word == NO_NETWORK else word


def one_of(*words: str, meant: Mapping[str, str] | None = None) -> Callable[[str, object], str]:
    """A reader of these words; `meant` says what some of them stand for."""

    def check(key: str, raw: object) -> str:
        if raw not in words:
            raise WrongError(f"{key} takes {', '.join(words[:-1])} or {words[-1]}")
        return (meant or {}).get(str(raw), str(raw))

    return check
