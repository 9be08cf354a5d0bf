"""The stories of `b2p upgrade`: a machine on an image of today's packages, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p import builds, snapshots, status
from b2p.down import down
from b2p.errors import B2PError, GuestError, StateError, UsageError
from b2p.host import computer
from b2p.image import cache, recipe
from b2p.store import record as records
from b2p.store import snapshots as kept
from b2p.up import up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from b2p.image.cache import Image
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout
    from b2p.store.record import Record

SNAPSHOT = "before-upgrade"
"""The name of the data disk as it was."""
GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What came of it."""

    image: str
    before: str
    """Digests; both are the same where there was nothing to do."""
    changes: tuple[str, ...]
    """A line for each package."""


def upgrade(name: str, settings: Settings, layout: Layout, report: Report) -> Upgraded:
    """Build an image of today's packages and start the machine on it.

    Where it does not come up there, it goes back by itself to image and disk of before, and
    GuestError is raised.
    """
    record, was_running = _settled(name, layout)
    wished = replace(
        settings,
        arch=record.arch or computer.arch(),  # type: ignore[arg-type]
        image=recipe.NAME,
        engine=record.engine,
        said=settings.said - {"image", "engine"},
    )
    image = builds.build(wished, layout, report)
    if image.digest == record.image:
        report.note(f"machine {name!r} is on the image of today's packages already")
        return Upgraded(image.digest, image.digest, ())
    changes = tuple(differences(_packages(_image(record, layout)), _packages(image)))
    for line in changes:
        report.note(line)
    if was_running:
        down(name, layout, report, force=False, timeout=GRACE_SECONDS)
    _keep_disk(name, layout, report)
    _boot_from(name, layout, image.digest, before=record.image)
    try:
        up(name, wished, layout, report)
    except (B2PError, KeyboardInterrupt) as error:
        _back(name, wished, layout, report, record.image, disk=True, start=was_running)
        if not isinstance(error, B2PError):
            raise
        raise GuestError(
            "upgrading",
            f"machine {name!r} does not come up on the new image, and is back on the one of before:"
            f" {error.message}",
            f"tell what happened: b2p report {name}",
            details=error.details,
        ) from error
    report.note(
        f"machine {name!r} is on image {image.digest[:12]}; back: b2p upgrade --rollback {name}"
    )
    return Upgraded(image.digest, record.image, changes)


def rollback(name: str, settings: Settings, layout: Layout, report: Report, *, disk: bool) -> str:
    """Go back to the image of before the last upgrade, with `disk` to the data of then too."""
    record, was_running = _settled(name, layout)
    if not record.image_before:
        raise UsageError(
            f"machine {name!r} was not upgraded, or is back already", f"see 'b2p inspect {name}'"
        )
    cache.by_digest(layout.images, record.image_before)
    wished = replace(settings, said=settings.said - {"image", "engine"})
    if was_running:
        down(name, layout, report, force=False, timeout=GRACE_SECONDS)
    _back(name, wished, layout, report, record.image_before, disk=disk, start=was_running)
    report.note(f"machine {name!r} is back on image {record.image_before[:12]}")
    return record.image_before


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """What changes from one list of packages to another, a line each. Pure."""
    for name in sorted({*before, *after}):
        old, new = before.get(name, ""), after.get(name, "")
        if old and new and old != new:
            yield f"{name}: {old} -> {new}"
        elif old != new:
            yield f"{name}: {'new, ' + new if new else 'gone'}"


def _settled(name: str, layout: Layout) -> tuple[Record, bool]:
    """The machine, and whether it runs; UsageError where it cannot be upgraded now."""
    record = status.known(layout, name)
    (found,) = status.of_records([record], layout)
    if record.family:
        raise UsageError(
            f"machine {name!r} is made of {record.family}, which upgrades itself",
            "do it in the machine: b2p ssh",
        )
    if found.state == "suspended":
        raise UsageError(f"machine {name!r} is suspended", f"resume it first: b2p up {name}")
    if found.state == "broken":
        status.must_run(found)
    return record, found.state == "running"


def _image(record: Record, layout: Layout) -> Image | None:
    try:
        return cache.by_digest(layout.images, record.image)
    except StateError:
        return None


def _packages(image: Image | None) -> dict[str, str]:
    listed = image.manifest.get("packages", []) if image else []
    return {str(one["name"]): str(one["version"]) for one in listed}


def _keep_disk(name: str, layout: Layout, report: Report) -> None:
    """Name the data disk as it is; the one of the upgrade before is forgotten."""
    files = layout.machine(name)
    if not kept.top(files)[0].exists():
        return
    if any(one.name == SNAPSHOT for one in kept.listing(files)):
        snapshots.remove(name, (SNAPSHOT,), layout, report)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    snapshots.create(name, SNAPSHOT, layout, report, now=now)


def _boot_from(name: str, layout: Layout, image: str, *, before: str) -> None:
    path = layout.machine(name).record
    record = status.known(layout, name)
    records.write(path, replace(record, image=image, image_before=before))


def _back(
    name: str,
    settings: Settings,
    layout: Layout,
    report: Report,
    image: str,
    *,
    disk: bool,
    start: bool,
) -> None:
    down(name, layout, report, force=True, timeout=GRACE_SECONDS)
    files = layout.machine(name)
    if disk and any(one.name == SNAPSHOT for one in kept.listing(files)):
        snapshots.restore(name, SNAPSHOT, layout, report)
    _boot_from(name, layout, image, before="")
    if start:
        up(name, settings, layout, report)
