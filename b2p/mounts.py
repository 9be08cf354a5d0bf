"""Directories of this computer that a guest mounts: which there are, and what it is told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p.errors import B2PError, UsageError
from b2p.machine import share
from b2p.settings import STANDARD_MOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from b2p.report import Report
    from b2p.settings import Settings


def defaults(home: Path, environment: Mapping[str, str], platform: str) -> tuple[str, ...]:
    """What is mounted unless somebody says otherwise: home, and the directory for scraps."""
    wanted = [str(home), "/tmp"]  # noqa: S108 - the user's own, to be seen by containers
    if platform == "darwin":
        # /tmp is a link there, and each user's own directory of that kind lies elsewhere.
        wanted = [str(home), "/private/tmp"]
        if own := environment.get("TMPDIR"):
            wanted.append(str(Path(own).resolve().parent))
    return tuple(path for path in wanted if _can_be(path))


def whole(
    settings: Settings, home: Path, environment: Mapping[str, str], platform: str
) -> Settings:
    """The settings with ~, and the word for the standard mounts, replaced by what they mean."""
    standard = defaults(home, environment, platform)

    def meant(words: Iterable[str]) -> tuple[str, ...]:
        found: list[str] = []
        for word in words:
            found += standard if word == STANDARD_MOUNTS else [_at_home(word, home)]
        return tuple(found)

    more = meant(settings.more_mounts)
    return replace(settings, mounts=meant(settings.mounts), more_mounts=more)


def written(word: str, directory: Path, home: Path) -> str:
    """What was typed on the command line, with its directory's whole path; it must be there."""
    host, colon, rest = word.partition(":")
    path = os.path.normpath(directory / _at_home(host, home))
    mount = share.parsed(f"{path}{colon}{rest}")
    if problem := _problem(mount):
        raise UsageError(f"cannot mount {word!r}: {problem}", "name a directory that you can read")
    return str(mount)


def present(words: Iterable[str], report: Report) -> tuple[share.Mount, ...]:
    """The mounts whose directories are there; of the others the report is told."""
    found = []
    for mount in map(share.parsed, words):
        if problem := _problem(mount):
            report.warn(
                f"{mount.host!r} is not mounted: {problem}",
                "see to it and restart the machine, or let it go with --no-mount",
            )
        else:
            found.append(mount)
    return tuple(found)


def told(mounts: Sequence[share.Mount]) -> list[dict[str, Any]]:
    """What the guest's agent needs to know of them."""
    return [
        {
            "tag": share.tag(number),
            "at": [mount.guest, *_aliases(mount)],
            "options": mount.options,
            "read_only": mount.read_only,
        }
        for number, mount in enumerate(mounts)
    ]


def guest_directory(words: Sequence[str]) -> str:
    """Where the guest has the directory we stand in; empty where it has not."""
    try:
        physical = os.getcwd()  # noqa: PTH109 - compared as text
    except OSError:
        return ""
    logical = os.environ.get("PWD", "")
    with_links = [logical] if logical and os.path.realpath(logical) == physical else []
    places = (share.guest_path(words, one) for one in [*with_links, physical])
    return next(filter(None, places), "")


def _at_home(word: str, home: Path) -> str:
    is_there = word.partition(":")[0] == "~" or word.startswith("~/")
    return f"{home}{word[1:]}" if is_there else word


def _can_be(path: str) -> bool:
    try:
        share.parsed(path)
    except B2PError:
        return False
    return True


def _problem(mount: share.Mount) -> str:
    """Why the directory cannot be shown to a guest; empty where it can."""
    if not os.path.lexists(mount.host):
        return "there is no such directory"
    if not Path(mount.host).is_dir():
        return "it is not a directory"
    if not os.access(mount.host, os.R_OK | os.X_OK):
        return "you may not read it"
    return ""


def _aliases(mount: share.Mount) -> list[str]:
    """Other names that this computer has for a directory mounted at the same path: of links."""
    if mount.guest != mount.host:
        return []
    names = [os.path.realpath(mount.host)]
    if mount.host.startswith("/private/"):
        # macOS: /tmp and /var are links to what lies there.
        names.append(mount.host.removeprefix("/private"))
    return [
        name
        for name in names
        if name != mount.host
        and os.path.realpath(name) == os.path.realpath(mount.host)
        and _can_be(name)
    ]
