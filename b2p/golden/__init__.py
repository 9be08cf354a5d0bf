"""Golden states: a machine that was booted once, from which others of its kind begin.

*fresh*: the engine runs on a new, empty disk; new and throwaway machines begin so. *bare*: booted
up to the gate, before disk and identity; any stopped machine begins so. See docs/golden.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from b2p.errors import B2PError, StateError
from b2p.host import computer
from b2p.machine import peers, state
from b2p.machine.argv import argv
from b2p.machine.model import Sockets
from b2p.store import lock, states

if TYPE_CHECKING:
    from b2p.machine.model import Machine, Qemu
    from b2p.store.record import Record
    from b2p.store.states import Kind, State
    from b2p.ways import Context

NEEDED_BYTES = 1 << 30
"""Room that must be free before one is made; it takes a third of that at most."""
MAKE_WAIT_SECONDS = 300.0
NEUTRAL = "golden"


@dataclass(frozen=True, slots=True)
class Golden:
    """The golden state that fits one machine."""

    context: Context
    record: Record
    machine: Machine
    qemu: Qemu
    kind: Kind
    """fresh for a machine whose disk holds nothing yet."""

    @property
    def fields(self) -> dict[str, str]:
        """All that it depends on: the machine's, without what is this machine's alone."""
        command = (*self.qemu.command, *argv(neutral(self.machine)))
        return {
            **state.fields(command, qemu=self.qemu.identity, processor=computer.processor()),
            "kind": self.kind,
            "disk": f"{self.record.disk_bytes}",
        }

    @property
    def is_possible(self) -> bool:
        """Whether machines like this one begin from states at all."""
        return (
            self.context.settings.golden
            and sys.platform == "linux"
            and self.machine.accelerator in ("tcg", "kvm")
            and not self.record.family
            and not self.record.extra
        )

    def had(self) -> State | None:
        """The state, if it is there; one that is damaged is told, and removed."""
        folder = self.context.layout.states
        try:
            return states.find(folder, self.fields)
        except StateError as error:
            self.context.report.warn(error.message, "it is removed, and made anew")
            states.remove(folder / states.key_of(self.fields))
            return None

    def had_or_made(self) -> State | None:
        """The state, made now where there is none; None where it cannot be had."""
        if not self.is_possible:
            return None
        layout = self.context.layout
        if states.is_refused(layout.states, self.fields):
            return None
        found = self.had()
        if found or computer.free_bytes(layout.states) < NEEDED_BYTES:
            return found
        try:
            return self._made()
        except (B2PError, OSError) as error:
            self.refuse(error, "made")
            return None

    def refuse(self, error: B2PError | OSError, what: str) -> None:
        """It could not be used: say so once, and let it be for a while."""
        reason = getattr(error, "message", "") or getattr(error, "strerror", "") or str(error)
        self.context.report.warn(
            f"no golden state could be {what}: {reason}", "the machine boots as if there were none"
        )
        folder = self.context.layout.states
        states.remove(folder / states.key_of(self.fields))
        states.refuse(folder, self.fields, reason)

    def _made(self) -> State | None:
        from b2p.golden import making

        layout, report = self.context.layout, self.context.report
        layout.states.mkdir(parents=True, exist_ok=True, mode=0o700)
        with lock.hold(
            states.lock_of(layout.states, self.fields),
            command="b2p up",
            what="the golden state",
            wait=MAKE_WAIT_SECONDS,
            on_wait=lambda _: report.note("waiting for another b2p that boots such a machine"),
        ) as held:
            found = self.had()
            if found is None:
                found = making.make(self)
                states.trim(layout.states, self.context.settings.golden_limit)
            held.discard()
        return found


def neutral(machine: Machine, *, name: str = NEUTRAL, uuid: str = NEUTRAL) -> Machine:
    """The machine without what is its own: names, sockets, the path of its disk."""
    return replace(
        machine,
        name=name,
        uuid=uuid,
        disks=tuple(
            disk if disk.read_only else replace(disk, path=NEUTRAL) for disk in machine.disks
        ),
        unix_forwards=(),
        tcp_forwards=(),
        sockets=Sockets(qmp=NEUTRAL, calls=NEUTRAL, console=NEUTRAL, control=NEUTRAL),
        console_log=NEUTRAL,
        call_script=NEUTRAL if machine.call_script else "",
        memory_file=None,
        links=peers.unplugged(machine.links),
        ends_with_parent=False,
    )
