"""What a machine is to be: (settings, its record so far) -> its record. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from b2p import __version__, sizes, spans
from b2p.errors import UsageError
from b2p.image import recipe
from b2p.machine import engines, share
from b2p.store.record import Record

if TYPE_CHECKING:
    from b2p.settings import Settings


def made(
    name: str,
    settings: Settings,
    *,
    arch: str,
    image: str,
    uuid: str,
    now: str,
    extra: tuple[str, ...],
) -> Record:
    """The record of a new machine; `image` is a digest, `now` ISO 8601."""
    return Record(
        name=name,
        uuid=uuid,
        image=image,
        cpus=settings.cpus,
        memory_mib=settings.memory // sizes.MIB,
        disk_bytes=settings.disk,
        arch=arch,
        accel=settings.accel,
        engine=settings.engine,
        varlink=settings.varlink if _has_varlink(settings.engine) else "off",
        publish=settings.publish,
        host_calls=settings.host_calls,
        idle_suspend=settings.idle_suspend,
        network=settings.network,
        mounts=share.together([*settings.mounts, *settings.more_mounts]),
        created=now,
        written_by=__version__,
        extra=extra,
    )


def changed(
    record: Record, settings: Settings, *, image: str, extra: tuple[str, ...] | None
) -> Record:
    """The record after a start with these settings: what nobody said stays as it was decided.

    A disk only grows, and a machine keeps its architecture and its engine: UsageError where it is
    asked for something else.
    """
    said = settings.said
    _check_arch(record, settings)
    _check_engine(record, settings)
    disk = settings.disk if "disk" in said else record.disk_bytes
    if disk < record.disk_bytes:
        raise UsageError(
            f"the disk of machine {record.name!r} holds {sizes.written(record.disk_bytes)} "
            f"and cannot shrink to {sizes.written(disk)}",
            "make a new machine with a smaller disk, or leave it",
        )
    mounts = settings.mounts if "mounts" in said else record.mounts
    network = settings.network if "network" in said and not record.family else record.network
    return replace(
        record,
        image=image,
        cpus=settings.cpus if "cpus" in said else record.cpus,
        memory_mib=settings.memory // sizes.MIB if "memory" in said else record.memory_mib,
        accel=settings.accel if "accel" in said else record.accel,
        varlink=(
            settings.varlink
            if "varlink" in said and _has_varlink(record.engine)
            else record.varlink
        ),
        publish=settings.publish if "publish" in said else record.publish,
        host_calls=settings.host_calls if "host_calls" in said else record.host_calls,
        idle_suspend=settings.idle_suspend if "idle_suspend" in said else record.idle_suspend,
        network=network,
        # A number is one of its network.
        network_number=record.network_number if network == record.network else 0,
        mounts=share.together([*mounts, *settings.more_mounts]),
        disk_bytes=disk,
        extra=record.extra if extra is None else extra,
        written_by=__version__,
    )


def _has_varlink(engine: str) -> bool:
    return "varlink" in engines.by_name(engine).apis


def _check_arch(record: Record, settings: Settings) -> None:
    if record.arch and settings.arch not in ("auto", record.arch):
        raise UsageError(
            f"machine {record.name!r} is an {record.arch} one, and what is on its disk is too: "
            f"it cannot become {settings.arch}",
            f"make another one: b2p up NAME --arch {settings.arch}; "
            "or leave arch at 'auto' for this one",
        )


def _check_engine(record: Record, settings: Settings) -> None:
    """Containers and images of one engine are not the other's; a family's image brings its own."""
    if not record.family and "engine" in settings.said and settings.engine != record.engine:
        raise UsageError(
            f"machine {record.name!r} has {record.engine}, and keeps it",
            f"make another one: b2p up NAME --engine {settings.engine}",
        )


def changed_at_once(record: Record, settings: Settings) -> Record:
    """The record with what is in force for a machine that runs as soon as it is told."""
    if "idle_suspend" not in settings.said:
        return record
    return replace(record, idle_suspend=settings.idle_suspend)


def sleepless(record: Record) -> str:
    """Why a machine that is to be suspended when nobody needs it cannot be; empty: it can."""
    if record.idle_suspend and record.family:
        return f"{record.family} does not notice when nobody needs it"
    if record.idle_suspend and not record.host_calls:
        return "without host_calls the guest cannot tell that nobody needs it"
    return ""


def differences(
    record: Record, settings: Settings, *, extra: tuple[str, ...] | None = None
) -> list[str]:
    """What was asked for but needs a restart of a machine that runs: "memory 4GiB", ..."""
    after = changed(record, settings, image=record.image, extra=extra)
    rest = spans.written(after.idle_suspend)
    pairs = [
        ("cpus", record.cpus, after.cpus, str(after.cpus)),
        ("memory", record.memory_mib, after.memory_mib, f"{after.memory_mib}MiB"),
        ("disk", record.disk_bytes, after.disk_bytes, sizes.written(after.disk_bytes)),
        ("accel", record.accel, after.accel, after.accel),
        ("varlink", record.varlink, after.varlink, after.varlink),
        ("publish", record.publish, after.publish, after.publish),
        ("host_calls", record.host_calls, after.host_calls, str(after.host_calls).lower()),
        ("idle_suspend", record.idle_suspend, after.idle_suspend, rest),
        ("network", record.network, after.network, after.network or "none"),
        ("mounts", record.mounts, after.mounts, " ".join(after.mounts) or "none"),
        ("QEMU's option", record.extra, after.extra, " ".join(after.extra)),
        ("image", True, is_of(record, settings), settings.image),
    ]
    return [f"{key} {text}" for key, old, new, text in pairs if old != new]


def is_of(record: Record, settings: Settings) -> bool:
    """Whether the machine boots the image that was asked for, as far as its word tells."""
    word = settings.image
    if "image" not in settings.said or not word or "/" in word:
        # An address or a path leads to whatever lies there today.
        return True
    return word == (record.family or recipe.NAME) or record.image.startswith(word)
