"""The stories of `b2p image build`, `inspect` and `verify`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from b2p import images
from b2p.errors import StateError, TamperedError, UsageError
from b2p.image import cache, downloads, lockfile
from b2p.image.build import recipe_digest
from b2p.machine import engines
from b2p.partfile import explained
from b2p.supply import Supply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from b2p.image.cache import Image
    from b2p.image.lockfile import Lock
    from b2p.images import Shown
    from b2p.report import Report, Task
    from b2p.settings import Settings
    from b2p.store.layout import Layout

_BLOCK = 1 << 20
_PACKED = (".xz", ".gz", ".bz2", ".zst")


def build(
    settings: Settings,
    layout: Layout,
    report: Report,
    *,
    packages: Sequence[str] = (),
    lock: Path | None = None,
) -> Image:
    """Build b2p's image; from the lock file where it is there, else it is written afterwards."""
    known = _read(lock, packages, report) if lock and lock.exists() else None
    if known and "engine" in settings.said and settings.engine != known.engine:
        raise UsageError(
            f"the lock {str(lock)!r} is of an image with {known.engine}, not {settings.engine}",
            "leave out one of the two, or name a new lock file",
        )
    wanted = replace(settings, packages=(*settings.packages, *packages))
    image, made = Supply(wanted, layout, report).build(known)
    if known is not None and known.recipe == image.recipe and known.image != image.digest:
        raise TamperedError(f"the lock names the image {known.image[:12]}, not {image.digest[:12]}")
    if lock and known is None:
        with explained(lock):
            lock.write_text(lockfile.text(made))
        report.note(f"its packages are written down in {str(lock)!r}")
    return image


def _read(path: Path, packages: Sequence[str], report: Report) -> Lock:
    if packages:
        raise UsageError(
            f"the lock {str(path)!r} says which packages there are, --package wants another",
            "leave out one of the two, or name a new lock file",
        )
    try:
        found = lockfile.parsed(path.read_bytes(), where=str(path))
    except OSError as error:
        raise UsageError(f"the lock {str(path)!r} cannot be read: {error.strerror}") from error
    if found.recipe != recipe_digest(engines.by_name(found.engine)):
        report.warn(
            f"the lock {str(path)!r} was made by another b2p, with a recipe of its own",
            "the packages will be the same, the image will not",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How an image was found to be."""

    shown: Shown
    checked: tuple[str, ...]
    """The files that are, byte for byte, what they were when they came."""
    unknown: tuple[str, ...]
    """Those of which only the size is known: they were unpacked from what was fetched."""
    changed: tuple[str, ...]
    """Those that are something else by now."""

    @property
    def lists(self) -> tuple[tuple[str, ...], ...]:
        """The three, in order."""
        return self.checked, self.unknown, self.changed

    def as_json(self) -> dict[str, Any]:
        """For programs: keys are only ever added."""
        return {
            "digest": self.shown.digest,
            "checked": list(self.checked),
            "unknown": list(self.unknown),
            "changed": list(self.changed),
        }


def verify(prefixes: Sequence[str], layout: Layout, report: Report) -> list[Verified]:
    """Read the images (all, where none is named) and compare them with what was promised."""
    return [_verified(one, report) for one in _named(prefixes, layout)]


def refuse_changed(found: Sequence[Verified]) -> None:
    """Raise StateError for the first image that is not what it was."""
    for one in found:
        if one.changed:
            raise StateError(
                f"the image {one.shown.digest[:12]!r} was changed: {', '.join(one.changed)}",
                f"remove {str(one.shown.directory)!r}; b2p builds or fetches it again",
            )


def inspect(prefix: str, layout: Layout) -> dict[str, Any]:
    """All that is known of one image."""
    (one,) = _named([prefix], layout)
    manifest = json.loads((one.directory / cache.MANIFEST).read_bytes())
    return {**manifest, **one.as_json(), "directory": str(one.directory)}


def _named(prefixes: Sequence[str], layout: Layout) -> list[Shown]:
    found = images.listing(layout)
    if not prefixes:
        return found
    return list({one.digest: one for one in (images.chosen(found, p) for p in prefixes)}.values())


def _verified(one: Shown, report: Report) -> Verified:
    states: dict[str, list[str]] = {"checked": [], "unknown": [], "changed": []}
    promised = _promised(one)
    with report.task(f"verifying {one.digest[:12]}", "bytes") as task:
        for name, digest in promised.items():
            path = one.directory / name
            task.expect(path.stat().st_size)
            same = _digest(path, task) == digest
            # Of what was unpacked on the way in, the digest is that of the packed file.
            is_unpacked = one.kind == "downloaded" and one.name.endswith(_PACKED)
            states["checked" if same else "unknown" if is_unpacked else "changed"].append(name)
    return Verified(shown=one, **{key: tuple(names) for key, names in states.items()})


def _promised(one: Shown) -> dict[str, str]:
    """File: its sha256."""
    if one.kind == "built":
        files = cache.read(one.directory).manifest["files"]
        return {name: facts.get("sha256", "") for name, facts in files.items()}
    return {downloads.read(one.directory).file: one.digest}


def _digest(path: Path, task: Task) -> str:
    state = hashlib.sha256()
    block = memoryview(bytearray(_BLOCK))
    try:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(block):
                state.update(block[:count])
                task.advance(count)
    except OSError as error:
        raise StateError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    return state.hexdigest()
