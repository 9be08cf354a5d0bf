"""Packages files: found fast among 65000 stanzas, parsed only where asked for, suites merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cmp_to_key
from typing import TYPE_CHECKING, Any

from b2p.errors import TamperedError

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = b"Package: "
_NEXT = b"\n\nPackage: "


@dataclass(frozen=True, slots=True)
class Relation:
    """A package's name with what its version must be: "libc6 (>= 2.41)"."""

    name: str
    operator: str = ""
    version: str = ""

    def accepts(self, version: str | None) -> bool:
        """Whether that version will do; None is a provider's that tells none."""
        if not self.operator:
            return True
        if version is None:
            return False
        order = compare(version, self.version)
        return (
            (order < 0 and self.operator in ("<<", "<=", "<"))
            or (order == 0 and self.operator in ("=", "<=", ">=", "<", ">"))
            or (order > 0 and self.operator in (">>", ">=", ">"))
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package: where its file is, and what it needs and gives."""

    name: str
    version: str
    arch: str
    source: str
    filename: str
    size: int
    sha256: str
    url_base: str
    """The mirror: url_base/filename is the file."""
    depends: tuple[tuple[Relation, ...], ...] = field(default=(), repr=False)
    """Pre-Depends and Depends: of each group of alternatives one is needed."""
    provides: tuple[tuple[str, str | None], ...] = field(default=(), repr=False)
    """Virtual names, with a version where one is told."""

    def gives(self, relation: Relation) -> bool:
        """Whether this package fulfils the relation, by its own or a provided name."""
        if self.name == relation.name and relation.accepts(self.version):
            return True
        return any(
            name == relation.name and relation.accepts(version) for name, version in self.provides
        )


class Listing:
    """One Packages file. Making one finds the names only (0.1 s for all of Debian)."""

    def __init__(self, text: bytes, url_base: str) -> None:
        self._text = text
        self.url_base = url_base
        self._offsets = _offsets(text)
        self._parsed: dict[int, Package] = {}
        self._providers: dict[str, set[str]] | None = None

    def __len__(self) -> int:
        return len(self._offsets)

    def named(self, name: str) -> list[Package]:
        """All versions of that package."""
        return [self._package(offset) for offset in self._offsets.get(name.encode(), ())]

    def providers(self, name: str) -> set[str]:
        """Names of the packages that provide a virtual one."""
        if self._providers is None:
            self._providers = _providers(self._text)
        return self._providers.get(name, set())

    def _package(self, offset: int) -> Package:
        """The stanza at that place, parsed once."""
        if offset not in self._parsed:
            end = self._text.find(b"\n\n", offset)
            stanza = self._text[offset : end if end >= 0 else None]
            self._parsed[offset] = _package(stanza, self.url_base)
        return self._parsed[offset]


@dataclass(frozen=True, slots=True)
class Part:
    """A listing in an index; with `preferred`, only names that begin so are taken first from it.

    The other packages of such a listing serve where nothing else fulfils a dependency.
    """

    listing: Listing
    preferred: tuple[str, ...] = ()


class Index:
    """Several suites as one: the newest version wins, in Debian's order of versions."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self._candidates: dict[str, list[Package]] = {}

    def get(self, name: str) -> Package | None:
        """The version to take, or None where there is no such package."""
        return next(iter(self.candidates(name)), None)

    def candidates(self, name: str) -> list[Package]:
        """All versions, the one to take first."""
        if name not in self._candidates:
            first: list[Package] = []
            later: list[Package] = []
            for part in self._parts:
                for package in part.listing.named(name):
                    (first if _is_wanted(package, part.preferred) else later).append(package)
            self._candidates[name] = [*_newest_first(first), *_newest_first(later)]
        return self._candidates[name]

    def providers(self, name: str) -> list[Package]:
        """The packages that provide a virtual one in the version to take, by name."""
        names = set[str]().union(*(part.listing.providers(name) for part in self._parts))
        found = (self.get(provider) for provider in sorted(names))
        return [one for one in found if one and any(name == given for given, _ in one.provides)]


@cache
def compare(one: str, other: str) -> int:
    """Negative, zero or positive as Debian orders the two versions (deb-version(7)).

    TamperedError where one of them is none.
    """
    from debian.debian_support import version_compare

    try:
        return int(version_compare(one, other))
    except ValueError as error:
        raise TamperedError(f"a version in Debian's list is broken: {error}") from error


def _newest_first(packages: Sequence[Package]) -> list[Package]:
    """Stable: of equal versions the one of the earlier suite stays first."""
    order = cmp_to_key(compare)
    return sorted(packages, key=lambda package: order(package.version), reverse=True)


def _is_wanted(package: Package, preferred: tuple[str, ...]) -> bool:
    """Whether the listing that has this package counts for it in the first place."""
    return not preferred or package.name.startswith(preferred) or package.source in preferred


def _offsets(text: bytes) -> dict[bytes, list[int]]:
    """Where the stanzas of each name begin. Each begins with its name in Debian's archive."""
    offsets: dict[bytes, list[int]] = {}
    at = 0 if text.startswith(_START) else text.find(_NEXT) + 2
    if at < 2 and not text.startswith(_START):
        return offsets
    find, skip = text.find, len(_START)
    while True:
        offsets.setdefault(text[at + skip : find(b"\n", at)], []).append(at)
        following = find(_NEXT, at)
        if following < 0:
            return offsets
        at = following + 2


def _providers(text: bytes) -> dict[str, set[str]]:
    """Virtual name -> names of packages."""
    found: dict[str, set[str]] = {}
    at = text.find(b"\nProvides: ")
    while at >= 0:
        start = text.rfind(_NEXT, 0, at) + 2
        start = start if start > 1 else 0
        name = text[start + len(_START) : text.find(b"\n", start)].decode(errors="replace")
        line = text[at + 11 : text.find(b"\n", at + 11)].decode(errors="replace")
        for given in line.split(","):
            found.setdefault(given.split("(")[0].strip(), set()).add(name)
        at = text.find(b"\nProvides: ", at + 1)
    return found


def _package(stanza: bytes, url_base: str) -> Package:
    """A stanza's fields as a Package; TamperedError where one is missing."""
    from debian.deb822 import Deb822

    fields = Deb822(stanza.decode(errors="replace"))
    groups = _relations(f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}")
    try:
        return Package(
            name=fields["Package"],
            version=fields["Version"],
            arch=fields["Architecture"],
            source=fields.get("Source", fields["Package"]).split(" ")[0],
            filename=fields["Filename"],
            size=int(fields["Size"]),
            sha256=fields["SHA256"],
            url_base=url_base,
            depends=groups,
            provides=tuple(
                (one.name, one.version or None)
                for group in _relations(fields.get("Provides", ""))
                for one in group
            ),
        )
    except (KeyError, ValueError) as error:
        name = fields.get("Package", "?")
        raise TamperedError(f"the entry of {name!r} in Debian's list is broken: {error}") from error


def _relations(text: str) -> tuple[tuple[Relation, ...], ...]:
    """A dependency field as groups of alternatives; ":any" means nothing to one architecture."""
    from debian.deb822 import PkgRelation

    groups = [group.strip() for group in text.split(",")]
    parsed = PkgRelation.parse_relations(", ".join(filter(None, groups))) if any(groups) else []
    return tuple(group for group in (_alternatives(one) for one in parsed) if group)


def _alternatives(parsed: Sequence[Any]) -> tuple[Relation, ...]:
    """One group, without those that are for other architectures only."""
    return tuple(
        Relation(one["name"], *(one["version"] or ()))
        for one in parsed
        if one["name"] and not one["arch"]
    )
