"""From a family's templates to addresses: which release is the newest, where its files lie. Pure.

Whoever downloads fetches what `question` names, hands the answer to `answered`, and fills the
templates with the result. What was answered once can be kept, and serves without a network.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from b2p.errors import DownloadError, UsageError
from b2p.families.model import InJson, InRedirect, InText, Pinned, Rolling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.families.model import Family, Latest, Source
    from b2p.machine.model import Arch

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
"""What may become a part of an address: a server's answer must not lead elsewhere."""


def source_for(family: Family, arch: Arch) -> Source:
    """Where that architecture's image comes from; UsageError where there is none."""
    source = family.sources.get(arch)
    if source is None:
        others = ", ".join(family.sources)
        hint = f"it exists for {others}" if others else "give the path or address of an image"
        raise UsageError(f"there is nowhere to fetch {family.name!r} for {arch} from", hint)
    return source


def question(latest: Latest) -> str:
    """The address whose answer names the newest release; empty where nobody need be asked."""
    match latest:
        case InText() | InJson() | InRedirect():
            return latest.address
        case Pinned() | Rolling():
            return ""


def answered(latest: Latest, *, text: str = "", url: str = "") -> Mapping[str, str]:
    """What the templates' placeholders stand for.

    `text` is the body that came from `question`, `url` the address it came from in the end.
    """
    match latest:
        case Pinned() | Rolling():
            return latest.values
        case InText():
            return _in_text(latest, text)
        case InJson():
            return {"version": _checked(_at(latest, text), latest.address)}
        case InRedirect():
            found = re.search(latest.pattern, url)
            if not found:
                raise _unanswered(latest.address, f"it led to {url!r}")
            return _all_checked(found.groupdict(), latest.address)


def filled(source: Source, values: Mapping[str, str]) -> Source:
    """The source with every template filled in."""

    def fill(template: str) -> str:
        return template.format_map(values)

    return replace(
        source,
        image=fill(source.image),
        checksum=fill(source.checksum),
        checksum_signature=fill(source.checksum_signature),
        signature=fill(source.signature),
        mirrors=tuple(map(fill, source.mirrors)),
    )


def unnamed(source: Source) -> Source | None:
    """The source by an address that needs no release's name; None where it has no such one."""
    if source.checksum or source.signature:
        return None  # they belong to a release
    free = [mirror for mirror in source.mirrors if "{" not in mirror]
    return replace(source, image=free[0], mirrors=tuple(free[1:])) if free else None


def _in_text(latest: InText, text: str) -> Mapping[str, str]:
    found = [match.groupdict() for match in re.finditer(latest.pattern, text)]
    if not found:
        raise _unanswered(latest.address, "what came names no release")
    newest = max(found, key=lambda values: [_ordered(value) for value in values.values()])
    return _all_checked(newest, latest.address)


def _ordered(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version)]


def _at(latest: InJson, text: str) -> object:
    try:
        value = json.loads(text)
        for key in latest.path:
            value = value[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unanswered(latest.address, f"it has no {'.'.join(latest.path)}") from None
    return value


def _all_checked(values: Mapping[str, str], address: str) -> dict[str, str]:
    return {name: _checked(value, address) for name, value in values.items()}


def _checked(value: object, address: str) -> str:
    if not isinstance(value, str) or not _SAFE.fullmatch(value):
        raise _unanswered(address, f"{str(value)[:60]!r} cannot be a release")
    return value


def _unanswered(address: str, reason: str) -> DownloadError:
    return DownloadError(
        f"{address} does not tell the newest release: {reason}",
        "try again later, or give the image's own address",
    )
