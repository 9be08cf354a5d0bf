"""The lock file of an image: every package by its digest, in JSON with a line for each. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from b2p.debian.index import Package
from b2p.errors import UsageError
from b2p.machine import engines

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One package as it was when the lock was made."""

    name: str
    version: str
    arch: str
    filename: str
    size: int
    sha256: str
    security: bool
    """Whether it came from the archive of security updates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All that decides what an image becomes; `recipe` is what b2p itself does to the packages."""

    arch: str
    suite: str
    recipe: str
    image: str
    """The digest that the image had."""
    extra: tuple[str, ...]
    """The packages that were asked for beside b2p's own."""
    packages: tuple[Locked, ...]
    engine: str = "podman"
    """Which one it has: b2p/machine/engines.py."""


def locked(package: Package, *, security: bool) -> Locked:
    """A package as a lock names it."""
    return Locked(
        name=package.name,
        version=package.version,
        arch=package.arch,
        filename=package.filename,
        size=package.size,
        sha256=package.sha256,
        security=security,
    )


def package(one: Locked, mirror: str) -> Package:
    """What a lock names, to be fetched from that mirror."""
    return Package(
        name=one.name,
        version=one.version,
        arch=one.arch,
        source=one.name,
        filename=one.filename,
        size=one.size,
        sha256=one.sha256,
        url_base=mirror,
    )


def text(lock: Lock) -> str:
    """The file's content; a package that changes is one line that changes."""
    values = asdict(lock) | {"schema": SCHEMA}
    packages = values.pop("packages")
    head = json.dumps(values, indent=1, sort_keys=True).removesuffix("\n}")
    lines = ",\n".join(f"  {json.dumps(one)}" for one in packages)
    return f'{head},\n "packages": [\n{lines}\n ]\n}}\n'


def parsed(content: bytes, *, where: str) -> Lock:
    """The lock that the file holds; raises UsageError for what is none."""
    try:
        values = json.loads(content)
        if values["schema"] != SCHEMA:
            raise UsageError(
                f"the lock {where!r} was written by another b2p (schema {values['schema']})",
                "make it anew: remove it, and build again",
            )
        return Lock(
            arch=str(values["arch"]),
            suite=str(values["suite"]),
            recipe=str(values["recipe"]),
            image=str(values["image"]),
            extra=tuple(map(str, values["extra"])),
            packages=_packages(values["packages"]),
            engine=_engine(values.get("engine", "podman")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{where!r} is no lock file: {error!r}", "make one: b2p image build --lock NEW-FILE"
        ) from error


def _engine(name: object) -> str:
    if name not in engines.ALL:
        raise ValueError(f"the engine {name!r} is not known")
    return str(name)


def _packages(values: Sequence[dict[str, Any]]) -> tuple[Locked, ...]:
    found = tuple(Locked(**value) for value in values)
    for one in found:
        path = one.filename
        if path.startswith("/") or ".." in path.split("/") or len(one.sha256) != _HEX_DIGITS:
            raise ValueError(f"the entry of {one.name!r} is broken")
        if one.sha256.strip("0123456789abcdef"):
            raise ValueError(f"the digest of {one.name!r} is broken")
    if not found:
        raise ValueError("it names no package")
    return found


_HEX_DIGITS = 64
