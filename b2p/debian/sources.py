"""Where packages come from: the setting, the computer's own apt sources, public mirrors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from b2p.debian import aptconf
from b2p.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from urllib.parse import SplitResult

PUBLIC = (
    "https://ftp.us.debian.org/debian",
    "https://mirrors.kernel.org/debian",
    "http://ftp.de.debian.org/debian",
    "http://ftp.debian.org/debian",
)
PUBLIC_SECURITY = (
    "https://security.debian.org/debian-security",
    "http://security.debian.org/debian-security",
)

_SUITE = re.compile(
    r"(oldoldstable|oldstable|stable|testing|unstable|sid"
    r"|buster|bullseye|bookworm|trixie|forky|duke)(-updates|-backports|-proposed-updates|-security|/updates)?"
)


@dataclass(frozen=True)
class Sources:
    """Mirrors in the order in which they are asked, and how strictly their dates are taken."""

    mirrors: tuple[str, ...]
    security_mirrors: tuple[str, ...]
    check_valid_until: bool = True
    check_date: bool = True
    proxies: Mapping[str, str | None] = field(default_factory=dict)
    """apt's own, by httpx's pattern; None goes straight."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One source of apt's: an address with a suite."""

    uri: str
    suite: str
    components: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    """Lower case: "signed-by", "check-valid-until"."""


def from_computer(
    *,
    setting: str | None,
    apt_root: Path = Path("/etc/apt"),
    check_valid_until: bool = True,
) -> Sources:
    """All that is known here; what cannot be read of apt's files is as if it were not there."""
    entries: list[Entry] = []
    for path in (apt_root / "sources.list", *sorted((apt_root / "sources.list.d").glob("*"))):
        if path.suffix == ".list":
            entries += one_line_entries(_read(path))
        elif path.suffix == ".sources":
            entries += deb822_entries(_read(path))
    texts = (_read(path) for path in _conf_files(apt_root))
    return decided(
        setting=setting,
        entries=entries,
        apt=aptconf.parsed(texts),
        check_valid_until=check_valid_until,
    )


def _conf_files(apt_root: Path) -> list[Path]:
    """The files of apt's configuration in its own order; later ones win."""
    parts = (apt_root / "apt.conf.d").glob("*")
    named = [path for path in parts if re.fullmatch(r"[\w-]+(\.conf)?", path.name)]
    return [*sorted(named), apt_root / "apt.conf"]


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def decided(
    *,
    setting: str | None,
    entries: Iterable[Entry],
    apt: Mapping[str, str],
    check_valid_until: bool = True,
) -> Sources:
    """The order of mirrors. Pure; UsageError when the setting is not the address of a mirror."""
    debian = _most_likely([entry for entry in entries if _is_debian(entry)])
    own = [_checked(setting)] if setting else []
    security = [entry.uri for entry in debian if _is_security(entry)]
    mirrors = [entry.uri for entry in debian if not _is_security(entry)]
    lenient = any(entry.options.get("check-valid-until") == "no" for entry in debian)
    return Sources(
        mirrors=_unique((*own, *mirrors, *PUBLIC)),
        security_mirrors=_unique((*_derived(own), *security, *_derived(mirrors), *PUBLIC_SECURITY)),
        check_valid_until=check_valid_until
        and not lenient
        and not aptconf.is_off(apt, "Acquire::Check-Valid-Until"),
        check_date=not aptconf.is_off(apt, "Acquire::Check-Date"),
        proxies=aptconf.proxies(apt),
    )


def one_line_entries(text: str) -> Iterator[Entry]:
    """The sources of a sources.list: deb [options] address suite component..."""
    for line in text.splitlines():
        words = re.fullmatch(
            r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)",
            line.partition("#")[0],
        )
        if words is None:
            continue
        options = (word.partition("=") for word in (words["options"] or "").split())
        yield Entry(
            uri=words["uri"].rstrip("/"),
            suite=words["suite"],
            components=tuple(words["rest"].split()),
            options={name.lower(): value for name, _, value in options},
        )


def deb822_entries(text: str) -> Iterator[Entry]:
    """The sources of a .sources file: paragraphs of Types, URIs, Suites, Components."""
    from debian.deb822 import Deb822

    for paragraph in Deb822.iter_paragraphs(text.splitlines(), use_apt_pkg=False):
        fields = {name.lower(): str(value) for name, value in paragraph.items()}
        enabled = fields.get("enabled", "yes").strip().lower() not in aptconf.OFF
        if not enabled or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                components = tuple(fields.get("components", "").split())
                yield Entry(uri.rstrip("/"), suite, components, fields)


def _is_debian(entry: Entry) -> bool:
    """Whether a source is a mirror of Debian's, as against somebody's packages for Debian."""
    parts = _parts(entry.uri)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    place = parts.path.rstrip("/").rpartition("/")[2]
    at_home = place in ("debian", "debian-security") or parts.hostname == "security.debian.org"
    keys = entry.options.get("signed-by", "")
    foreign = bool(keys) and "debian-archive" not in keys and "BEGIN PGP" not in keys
    suite = _SUITE.fullmatch(entry.suite.rstrip("/"))
    return at_home and not foreign and suite is not None and _has_main(entry)


def _has_main(entry: Entry) -> bool:
    return any(part.rpartition("/")[2] == "main" for part in entry.components)


def _is_security(entry: Entry) -> bool:
    return entry.suite.endswith(("-security", "/updates")) or entry.uri.endswith("-security")


def _most_likely(entries: list[Entry]) -> list[Entry]:
    """Where some have -updates, -security or a host of debian.org, the others are left out.

    Others publish their packages under /debian with Debian's names of suites, too.
    """
    telling = {
        entry.uri
        for entry in entries
        if entry.suite.endswith("-updates")
        or _is_security(entry)
        or (_parts(entry.uri).hostname or "").endswith(".debian.org")
    }
    return [entry for entry in entries if entry.uri in telling or not telling]


def _checked(setting: str) -> str:
    """The address of a mirror without its last slash."""
    parts = _parts(setting)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", setting):
        raise UsageError(
            f"mirror {setting!r} is not an address",
            "set it to one like https://ftp.debian.org/debian",
        )
    return setting.rstrip("/")


def _parts(address: str) -> SplitResult:
    """The address taken apart; what is broken has no host."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _derived(mirrors: Iterable[str]) -> list[str]:
    """Where a mirror usually has the security suites: beside it."""
    return [f"{mirror}-security" for mirror in mirrors if mirror.endswith("/debian")]


def _unique(mirrors: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mirrors))
