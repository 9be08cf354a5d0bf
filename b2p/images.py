"""The stories of `b2p image`: what is in the cache and who uses it, bringing and removing it."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from b2p.errors import BusyError, StateError, UsageError
from b2p.host import computer
from b2p.image import address, cache, downloads
from b2p.image.build import recipe_digest
from b2p.image.pull import Puller, Wanted
from b2p.machine import engines
from b2p.store import lock, places, states
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from b2p.image.pull import Pulled
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout

PULL_WAIT_SECONDS = 6 * 3600.0
"""For another b2p that fetches the same image: gigabytes over a slow line."""

UNUSED_SECONDS = 30 * 24 * 3600.0
"""A golden state that nobody began from for so long is not kept."""

GONE = ".gone-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One image of the cache."""

    digest: str
    kind: Literal["built", "downloaded", "state"]
    name: str
    arch: str = ""
    """Of what it boots; empty where nobody looked."""
    directory: Path
    used_bytes: int
    """What it takes on the disk."""
    machines: tuple[str, ...]
    """Those that boot it."""
    url: str = ""
    is_current: bool = False
    """Whether the next new machine would boot it."""

    def as_json(self) -> dict[str, Any]:
        """For programs: keys are only ever added."""
        return {
            "digest": self.digest,
            "kind": self.kind,
            "name": self.name,
            "arch": self.arch,
            "url": self.url,
            "used_bytes": self.used_bytes,
            "machines": list(self.machines),
            "current": self.is_current,
        }


def listing(layout: Layout) -> list[Shown]:
    """All images of the cache, built ones first, the newest first of each."""
    users = _users(layout)
    recipes = {name: recipe_digest(engine) for name, engine in engines.ALL.items()}
    current: set[tuple[str, str]] = set()
    shown = []
    for built in cache.every(layout.images):
        kind = (built.engine, built.arch)
        is_newest = kind not in current and not built.extra
        is_current = is_newest and built.recipe == recipes.get(built.engine)
        current |= {kind} if is_current else set()
        shown.append(
            Shown(
                digest=built.digest,
                kind="built",
                name=_name(built),
                arch=built.arch,
                directory=built.directory,
                used_bytes=_used_bytes(built.directory),
                machines=users.get(built.digest, ()),
                is_current=is_current,
            )
        )
    return [*shown, *(_downloaded(one, users) for one in downloads.every(layout.media))]


def _name(built: cache.Image) -> str:
    """What it is and has; for which processor, where that is not this computer's."""
    for_whom = "" if built.arch == computer.arch() else f" for {built.arch}"
    return " + ".join((_title(built), *built.extra)) + for_whom


def _title(built: cache.Image) -> str:
    """One of a later b2p may have an engine that this one does not know."""
    known = engines.ALL.get(built.engine)
    return known.image if known else f"boot2podman, engine {built.engine}"


@contextlib.contextmanager
def puller(settings: Settings, layout: Layout, report: Report) -> Iterator[Puller]:
    """What brings images into this user's cache."""
    from b2p.fetch import Fetcher

    places.prepare(layout)
    fetcher = Fetcher(report, offline=settings.offline)

    @contextlib.contextmanager
    def hold(key: str) -> Iterator[None]:
        layout.media.mkdir(parents=True, exist_ok=True)
        with lock.hold(
            layout.media / f".{key}.lock",
            command="b2p image pull",
            what="the image",
            wait=PULL_WAIT_SECONDS,
            on_wait=lambda holder: report.note(f"waiting for {holder or 'another b2p'}"),
        ) as held:
            yield
            held.discard()

    try:
        yield Puller(
            layout.media, fetcher=fetcher, report=report, hold=hold, mirror=settings.image_mirror
        )
    finally:
        fetcher.close()


def by_address(text: str, digest: str = "") -> Wanted:
    """The image that an address or a path means; `digest` is written "sha256:...", or empty.

    Raises UsageError for what is neither: names of families are for whoever knows those.
    """
    if not address.is_address(text):
        raise UsageError(
            f"{text!r} is no family, no address and no path",
            f"see 'b2p image ls --available', or give an address, or a path such as ./{text}",
        )
    algorithm, _, value = digest.partition(":")
    if digest and not (value and set(value.lower()) <= set("0123456789abcdef")):
        raise UsageError(f"{digest!r} is not a digest", "write it as sha256:HEX or sha512:HEX")
    return Wanted(address=text, digest=(algorithm, value) if digest else None)


def pull(
    wished: str,
    settings: Settings,
    layout: Layout,
    report: Report,
    *,
    digest: str = "",
) -> Pulled:
    """Have the image of a family, an address or a path, the newest that its server has."""
    from b2p.choice import Chooser

    with puller(settings, layout, report) as bringer:
        chooser = Chooser(bringer, layout.media, computer.guest_arch(settings.arch), report)
        return bringer.pull(chooser.wanted(wished, digest), refresh=True)


def golden_states(layout: Layout) -> list[Shown]:
    """What machines begin from instead of booting; current while its image is there and it is used.

    One that is damaged is not shown: the next machine to want it says so.
    """
    kept = {built.digest for built in cache.every(layout.images)}
    oldest = time.time() - UNUSED_SECONDS
    return [
        Shown(
            digest=one.key,
            kind="state",
            name=f"{one.kind}, {one.fields.get('memory', '?')}, of {one.image[:12]}",
            directory=one.files.home,
            used_bytes=one.used_bytes,
            machines=(),
            is_current=one.image in kept and one.used_at > oldest,
        )
        for one in states.every(layout.states)
    ]


def remove(prefixes: Sequence[str], layout: Layout) -> list[Shown]:
    """Remove the images whose digests begin so; raises UsageError where a machine boots one."""
    with _quiet_machines(layout):
        found = [*listing(layout), *golden_states(layout)]
        wanted = {one.digest: one for one in (chosen(found, prefix) for prefix in prefixes)}
        for one in wanted.values():
            if one.machines:
                raise UsageError(
                    f"the image {one.digest[:12]!r} is used by machine {one.machines[0]!r}",
                    f"remove that first: b2p rm {one.machines[0]}",
                )
        for one in wanted.values():
            _erase(one.directory)
        return list(wanted.values())


def prune(layout: Layout, *, everything: bool = False) -> list[Shown]:
    """Remove the images that no machine boots, but (without `everything`) not the current one.

    And the golden states of images that are not there, or that no machine began from for a month;
    with `everything` all.
    """
    with _quiet_machines(layout):
        unused = [one for one in listing(layout) if not one.machines]
        unused = [one for one in unused if everything or not one.is_current]
        for one in unused:
            _erase(one.directory)
        useless = [one for one in golden_states(layout) if everything or not one.is_current]
        for one in useless:
            states.remove(one.directory)
        states.sweep(layout.states)
        _sweep(layout)
        return [*unused, *useless]


def _downloaded(found: downloads.Downloaded, users: dict[str, tuple[str, ...]]) -> Shown:
    return Shown(
        digest=found.digest,
        kind="downloaded",
        name=found.name,
        directory=found.directory,
        used_bytes=_used_bytes(found.directory),
        machines=users.get(found.digest, ()),
        url=found.url,
    )


def _users(layout: Layout) -> dict[str, tuple[str, ...]]:
    """Digest: the names of the machines that boot it."""
    users: dict[str, tuple[str, ...]] = {}
    for record in records.listing(layout.machines).records:
        users[record.image] = (*users.get(record.image, ()), record.name)
    return users


def chosen(found: Sequence[Shown], prefix: str) -> Shown:
    """The one of them whose digest begins so; raises UsageError where none or several do."""
    fitting = [one for one in found if prefix and one.digest.startswith(prefix)]
    if len(fitting) == 1:
        return fitting[0]
    raise UsageError(
        f"{prefix!r} names {'several images' if fitting else 'no image of the cache'}",
        "give the beginning of a digest that 'b2p image ls' shows",
    )


@contextlib.contextmanager
def _quiet_machines(layout: Layout) -> Iterator[None]:
    """Raise where a machine is being made, or cannot be read: it may use any image."""
    for path in layout.machines.glob(".*.lock"):
        holder = lock.holder(path)
        if holder is not None and holder.pid != os.getpid():
            raise BusyError(
                f"a machine is being changed by {holder}", "wait until that is done, then try again"
            )
    problems = records.listing(layout.machines).problems
    if problems:
        raise StateError(
            f"nothing is removed: nobody knows which image machine {problems[0].name!r} uses",
            f"{problems[0].error.message}; b2p rm -f {problems[0].name} removes it",
        )
    yield


def _erase(directory: Path) -> None:
    """Remove a directory so that nobody ever meets half of it."""
    aside = directory.with_name(f"{GONE}{directory.name}")
    try:
        directory.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise StateError(
            f"{str(directory)!r} cannot be removed: {error.strerror or error}",
            "see to its permissions, and remove it by hand",
        ) from error


def _sweep(layout: Layout) -> None:
    """Remove what removals and downloads that were broken off left."""
    for folder in (layout.images, layout.media):
        for left in (*folder.glob(f"{GONE}*"), *_broken(folder, _users(layout))):
            shutil.rmtree(left, ignore_errors=True)
    for left in (layout.media / downloads.PARTIAL).glob("*"):
        if lock.holder(layout.media / f".{left.name}.lock") is None:
            shutil.rmtree(left, ignore_errors=True)


def _broken(folder: Path, users: Mapping[str, object]) -> list[Path]:
    """Images of the cache that cannot be read, and that no machine waits for."""
    whole = {one.directory for one in cache.every(folder)}
    whole |= {one.directory for one in downloads.every(folder)}
    kept = {downloads.ADDRESSES, *users}
    return [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_dir() and path.name[0] != "." and path.name not in kept and path not in whole
    ]


def _used_bytes(directory: Path) -> int:
    total = 0
    for path in directory.iterdir():
        with contextlib.suppress(OSError):
            total += path.stat().st_blocks * 512
    return total
