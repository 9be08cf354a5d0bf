"""The ways in which machines come up: b2p's own image, whose guest has b2p's agent, and others'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from b2p.control.console import ConsoleWatch
    from b2p.host.process import Started
    from b2p.machine.model import Host, Machine
    from b2p.report import Report, Task
    from b2p.settings import Settings
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record


@dataclass(frozen=True, slots=True)
class Context:
    """What a start is about."""

    name: str
    settings: Settings
    layout: Layout
    report: Report

    @property
    def files(self) -> MachineFiles:
        """The machine's own files."""
        return self.layout.machine(self.name)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A QEMU that was just started, and who looks at it."""

    record: Record
    started: Started
    watch: ConsoleWatch
    task: Task
    has_booted: bool = False
    """Whether the machine begins from a golden state."""


class Way(Protocol):
    """How the machines of one kind of image come up."""

    def planned(self, record: Record) -> tuple[Record, Host, Machine]:
        """All that the machine needs is there afterwards; the record names its image."""

    def prepare(self, record: Record) -> None:
        """Make what QEMU will open: disks, and what the guest is told by a medium."""

    def told_again(self) -> dict[str, Any]:
        """What the guest is told when it is resumed, beside the time."""

    def until_ready(self, attempt: Attempt) -> None:
        """Wait until the engine answers; raises GuestError with the stage."""


def way_of(context: Context, before: Record | None) -> Way:
    """By what is asked for just now, else by what the machine was made of."""
    if is_own(context, before):
        from b2p.ways.own import Own

        return Own(context)
    from b2p.ways.foreign import Foreign

    return Foreign(context)


def is_own(context: Context, before: Record | None) -> bool:
    """Whether it boots b2p's own image."""
    from b2p.image import cache, recipe

    word = context.settings.image
    if before is not None and "image" not in context.settings.said:
        return not before.family
    if word == recipe.NAME:
        return True
    return any(one.digest.startswith(word) for one in cache.every(context.layout.images) if word)
