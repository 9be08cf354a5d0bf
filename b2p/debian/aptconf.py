"""apt's configuration files (apt.conf(5)), as far as b2p heeds them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OFF = frozenset({"no", "false", "without", "off", "disable", "0"})
"""What apt takes for a no."""

_TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ | \#[^\n]* )
  | "(?P<quoted> [^"\n]* )"
  | (?P<mark> [{};] )
  | (?P<word> (?: (?!//|/\*) [^\s{};"\#] )+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def parsed(texts: Iterable[str]) -> dict[str, str]:
    """Full name in lower case ("acquire::http::proxy") -> last value; both of apt's notations."""
    values: dict[str, str] = {}
    for text in texts:
        for name, value in _statements(text):
            values[name.lower()] = value
    return values


def _statements(text: str) -> Iterator[tuple[str, str]]:
    """All `name value;`, with the scopes around them in the name."""
    scopes: list[str] = []
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        match token["mark"]:
            case None:
                if token["comment"] is None:
                    words.append(token["word"] if token["quoted"] is None else token["quoted"])
            case "{":
                scopes.append(words[0] if words else "")
                words = []
            case mark:
                if len(words) > 1:
                    yield "::".join([*scopes, words[0]]), words[1]
                words = []
                if mark == "}" and scopes:
                    scopes.pop()


def is_off(values: Mapping[str, str], name: str) -> bool:
    """Whether that switch is there and says no."""
    return values.get(name.lower(), "").lower() in OFF


def proxies(values: Mapping[str, str]) -> dict[str, str | None]:
    """Proxies by httpx's pattern ("http://", "https://host"); None where apt goes straight."""
    found: dict[str, str | None] = {}
    for name, value in values.items():
        match = re.fullmatch(r"acquire::(https?)::proxy(?:::(.+))?", name)
        if match is None or not value:
            continue
        target = None if value.upper() == "DIRECT" else value
        found[f"{match[1]}://{match[2] or ''}"] = target
    if "http://" in found:  # apt's https asks the same one unless told otherwise
        found.setdefault("https://", found["http://"])
    return found
