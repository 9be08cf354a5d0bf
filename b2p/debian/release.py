"""InRelease files: whose signature counts, what they promise, and when they are too old."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p.errors import TamperedError
from b2p.fetch import UnfitError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = Path(__file__).with_name("keys")

_BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"

_AHEAD = timedelta(hours=1)
"""How far a list may lie in the future: clocks differ, but not by that much."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Size and digest of a file of the suite."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """What a suite promises: its names, its age, and its files by their path below dists/SUITE."""

    names: frozenset[str]
    """Suite and codename: "stable", "trixie"."""
    date: datetime
    valid_until: datetime | None
    by_hash: bool
    architectures: frozenset[str]
    files: Mapping[str, Promise] = field(repr=False)


def opened(signed: bytes, *, where: str) -> Release:
    """The Release within an InRelease, once one of Debian's keys is found to have signed it.

    `where` (the file's address) is for the errors. Nothing outside of the signed text is read.
    """
    return parsed(_signed_text(signed, where), where=where)


def _signed_text(signed: bytes, where: str) -> str:
    """The text that a shipped key signed; TamperedError otherwise."""
    import pysequoia

    if _BEGIN not in signed:
        raise TamperedError(
            f"{where!r} is not a signed list of Debian's",
            "check the mirror's address, and whether a login page or a proxy is in the way",
        )
    try:
        text = pysequoia.verify(bytes=signed, store=lambda _: list(certificates())).bytes
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise TamperedError(
            f"the signature of {where!r} is not Debian's: {reason}",
            "do not use this mirror; set another one with `mirror` or B2P_MIRROR",
        ) from error
    return (text or b"").decode("utf-8", "replace")


@cache
def certificates() -> tuple[Any, ...]:
    """Debian's archive keys as shipped (pysequoia.Cert)."""
    import pysequoia

    return tuple(
        certificate
        for path in sorted(KEYS.glob("*.asc"))
        for certificate in pysequoia.Cert.split_bytes(path.read_bytes())
    )


def parsed(text: str, *, where: str) -> Release:
    """Read a Release file's fields; TamperedError when they are not all there."""
    from debian.deb822 import Release as Fields

    fields = Fields(text)
    try:
        return Release(
            names=frozenset({fields.get("Suite", ""), fields.get("Codename", "")} - {""}),
            date=_time(fields["Date"]),
            valid_until=_time(fields["Valid-Until"]) if "Valid-Until" in fields else None,
            by_hash=fields.get("Acquire-By-Hash", "no") == "yes",
            architectures=frozenset(fields["Architectures"].split()),
            files={
                entry["name"]: Promise(int(entry["size"]), entry["sha256"])
                for entry in fields["SHA256"]
            },
        )
    except (KeyError, ValueError, TypeError) as error:
        raise TamperedError(f"{where!r} is not a list of a Debian suite: {error}") from error


def _time(text: str) -> datetime:
    """A date as Debian writes it: Sat, 21 Nov 2026 09:15:44 UTC."""
    from email.utils import parsedate_to_datetime

    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def check(
    release: Release,
    *,
    suite: str,
    arch: str,
    now: datetime,
    check_valid_until: bool = True,
    check_date: bool = True,
    where: str,
) -> None:
    """Refuse what Debian signed, but not for this use: another suite, or one of another time."""
    if suite not in release.names:
        names = " or ".join(sorted(release.names))
        raise TamperedError(
            f"{where!r} is the list of {names}, not of {suite}", "use another mirror"
        )
    if arch not in release.architectures:
        raise UnfitError(f"{where!r} has no packages for {arch}", "use another mirror")
    if check_date and release.date > now + _AHEAD:
        raise UnfitError(
            f"{where!r} was signed in the future, at {release.date:%Y-%m-%d %H:%M}",
            "set this computer's clock",
        )
    if check_valid_until and release.valid_until is not None and release.valid_until < now:
        raise UnfitError(
            f"{where!r} expired at {release.valid_until:%Y-%m-%d %H:%M}",
            "use another mirror, check the clock, or set check_valid_until = false",
        )
