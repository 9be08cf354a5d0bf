"""How `up` ends: once a machine's engine answers, clients learn of it, and it is equipped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b2p import network

if TYPE_CHECKING:
    from b2p.equip import Kit
    from b2p.store.record import Record
    from b2p.ways import Context


class Ending:
    """What the settings want done with a machine that is up; what it needs is read at once."""

    def __init__(self, context: Context, *, default: bool, provision: bool) -> None:
        """Raises UsageError where something is missing. For the flags see `up`."""
        self._context = context
        self._default = default
        self._provision = provision
        self._kit = self._packed()

    def of(self, record: Record) -> Record:
        """Do it; the record as it is then."""
        network.introduce(self._context.layout, record, self._context.report)
        if self._context.settings.clients != "off":
            self._introduce(record)
        if self._kit is None:
            return record
        from b2p import equip

        now = datetime.now(UTC).isoformat(timespec="seconds")
        return equip.equip(self._context, record, self._kit, now=now, again=self._provision)

    def _packed(self) -> Kit | None:
        wishes = self._context.settings
        if not any(
            (wishes.provision, wishes.each_start, wishes.files, wishes.units, wishes.quadlets)
        ):
            return None
        from b2p import equip

        return equip.packed(wishes)

    def _introduce(self, record: Record) -> None:
        from b2p import clients, inside

        context = self._context
        lent = context.settings.forward_agent
        block = inside.ssh_block(context.layout, record, forward_agent=lent)
        clients.introduce(record, context.files, block, context.report, default=self._default)
