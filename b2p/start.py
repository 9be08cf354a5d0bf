"""One start of a machine that does not run: decided, prepared, launched, waited for, or undone."""

from __future__ import annotations

import contextlib
import time
import uuid
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from b2p import decision, engine, identity, launch, network, resume
from b2p.errors import B2PError, GuestError, UsageError
from b2p.golden import Golden, beginning
from b2p.host import computer
from b2p.image import recipe
from b2p.machine import engines, peers, ports, state
from b2p.machine.argv import argv
from b2p.machine.plan import check_memory
from b2p.store import places, saved
from b2p.store import record as records
from b2p.ways import Attempt, Context, is_own, way_of

if TYPE_CHECKING:
    from b2p.control.monitor import Monitor
    from b2p.host.process import Started
    from b2p.machine.model import Host, Machine, Qemu
    from b2p.report import Task
    from b2p.store.record import Record
    from b2p.store.states import Kind


class Start:
    """Planned by `planned`, which starts nothing, and done by `done`."""

    def __init__(
        self, context: Context, *, before: Record | None, extra: tuple[str, ...], now: str
    ) -> None:
        """`now` is ISO 8601; `extra` are the user's own options of QEMU."""
        self.context = context
        self.before = before
        self.extra = extra
        self.now = now
        self.files = context.files
        self.report = context.report
        self.way = way_of(context, before)
        # Known once it is planned.
        self.machine: Machine
        self.qemu: Qemu

    def planned(self) -> tuple[Record, tuple[str, ...]]:
        """The record as it will be, and QEMU's words. What the machine needs is there then."""
        record = self._decided()
        # Before anything is fetched or built for a machine that cannot be.
        check_memory(record.name, record.memory_mib, computer.memory_mib())
        self._check_engine(record)
        record, host, machine = self.way.planned(network.numbered(record, self.context.layout))
        self._check_kind(record)
        self._warn_of(host)
        if self.context.layout.is_throwaway:
            machine = replace(machine, ends_with_parent=host.qemu.exit_with_parent)
        self.machine, self.qemu = machine, host.qemu
        record = replace(record, qemu=host.qemu.identity)
        return record, (*host.qemu.command, *argv(machine))

    def shown(self) -> tuple[Record, tuple[str, ...]]:
        """The record, and the words that would start QEMU; nothing is started."""
        record, command = self.planned()
        if resume.fitting(self.files, record, command, self.report, qemu=record.qemu):
            command = (*command, *state.INCOMING)
        return record, command

    def done(self) -> tuple[Record, tuple[str, ...]]:
        """Start it and wait until its engine answers; raises B2PError, all is undone then."""
        began = time.monotonic()
        record, command = self.planned()
        with ExitStack() as undo:
            if self.before is None:
                launch.refuse_orphan(self.files)
            places.prepare_machine(self.files)
            undo.callback(self._restore)
            if record.family or not self.context.layout.is_throwaway:
                # Nobody goes into a throwaway machine by ssh, unless b2p itself has to.
                launch.prepare_keys(self.context.layout, self.files)
            # Before the disk: one that no record tells of is not ours to make anew.
            record, command = self._written(record, command)
            resumed = self._resumed(record, command)
            record = resumed or self._begun(record, command) or self._booted(record, command, undo)
            undo.pop_all()
        if self.before and self.before.network != record.network:
            network.leave(self.context.layout, self.before.network, self.report)
        how = "goes on" if resumed else "is up"
        self.report.note(f"machine {record.name!r} {how} after {time.monotonic() - began:.1f} s")
        return record, command

    def _written(self, record: Record, command: tuple[str, ...]) -> tuple[Record, tuple[str, ...]]:
        """The record is on the disk; with another number in its network, if that was taken."""
        layout = self.context.layout
        with network.numbering(layout, record):
            now = network.numbered(record, layout)
            if now != record:
                links = peers.links(now.network_number, str(layout.network(now.network)))
                self.machine = replace(self.machine, links=links)
                record, command = now, (*self.qemu.command, *argv(self.machine))
            records.write(self.files.record, record)
        if record.network:
            places.private_directory(layout.network(record.network))
        return record, command

    def _resumed(self, record: Record, command: tuple[str, ...]) -> Record | None:
        """The machine as it was when it was suspended; None where it has to boot."""
        if not resume.fitting(self.files, record, command, self.report, qemu=record.qemu):
            return None
        connected: list[Record] = []
        with self.report.task(f"resuming machine {record.name!r}"):
            try:
                resume.resume(
                    self.files,
                    command,
                    lambda monitor, started: connected.append(
                        self._connected(record, command, started, monitor)
                    ),
                    lambda: {
                        **identity.again(self.context.layout, record, self.context.settings),
                        **self.way.told_again(),
                    },
                    warn=self.report.warn,
                )
            except B2PError as error:
                self.report.warn(
                    f"machine {record.name!r} cannot be resumed: {error.message}",
                    "it boots anew; its data is on its disk",
                )
                return None
        return connected[0]

    def _begun(self, record: Record, command: tuple[str, ...]) -> Record | None:
        """The machine begun from a golden state; None where there is none for it."""
        saved.discard(self.files)
        holds_data = record.first_ready or launch.was_mounted(self.files.data_disk)
        kind: Kind = "bare" if holds_data else "fresh"
        golden = Golden(self.context, record, self.machine, self.qemu, kind)
        state = golden.had_or_made()
        if state is None:
            return None
        self.way.prepare(record)
        try:
            with ExitStack() as undo, self.report.task(f"starting machine {record.name!r}") as task:
                beginning.prepare_disk(golden, state)
                with beginning.begun(golden, state, undo) as (started, monitor):
                    record = self._connected(record, command, started, monitor)
                record = self._until_ready(record, started, task, has_booted=True)
                undo.pop_all()
        except B2PError as error:
            golden.refuse(error, "used")
            return None
        return record

    def _booted(self, record: Record, command: tuple[str, ...], undo: ExitStack) -> Record:
        saved.discard(self.files)
        self.way.prepare(record)
        try:
            return self._launched(record, command, undo)
        except GuestError as error:
            error.hint = f"{error.hint}; its whole console: {self._kept_console()}"
            raise

    def _kept_console(self) -> str:
        """Where the console of a start that failed can be read: a new machine is not kept."""
        if self.before is not None:
            return f"b2p logs {self.before.name}"
        with contextlib.suppress(OSError):
            self.files.console_log.replace(self.context.layout.failed_console)
        return str(self.context.layout.failed_console)

    def _decided(self) -> Record:
        """The record as it is wished; that of a new machine has no image yet."""
        settings = self.context.settings
        if self.before:
            extra = self.extra or None
            return decision.changed(self.before, settings, image=self.before.image, extra=extra)
        if not is_own(self.context, None):
            # It brings its own.
            settings = replace(settings, engine=engines.PODMAN.name)
        return decision.made(
            self.context.name,
            settings,
            arch=computer.guest_arch(settings.arch),
            image="",
            uuid=str(uuid.uuid4()),
            now=self.now,
            extra=self.extra,
        )

    def _check_engine(self, record: Record) -> None:
        """Raise UsageError where the engine of b2p's own image is to have what only podman has."""
        is_podmans = record.family or "podman" in engine.of(record).apis
        if self.context.settings.quadlets and not is_podmans:
            raise UsageError(
                f"machine {record.name!r} has no podman, and quadlets are podman's",
                "leave them out, or make another machine: b2p up NAME --engine podman",
            )

    def _check_kind(self, record: Record) -> None:
        """Raise UsageError where the machine's disk is that of another kind of image."""
        before = self.before
        if before is not None and before.first_ready and before.family != record.family:
            kind = before.family or recipe.NAME
            raise UsageError(
                f"machine {record.name!r} is made of {kind}, and so is its disk",
                f"make another one: b2p up NAME --image {self.context.settings.image}",
            )

    def _warn_of(self, host: Host) -> None:
        if host.arch != computer.arch():
            self.report.note(
                f"machine {self.context.name!r} is an {host.arch} one: this computer, "
                f"{computer.arch()}, emulates it, which is slow"
            )
        if host.accelerator_problem:
            why, _, remedy = host.accelerator_problem.partition("; ")
            self.report.warn(f"emulating the processor, which is slow: {why}", remedy)

    def _launched(self, record: Record, command: tuple[str, ...], undo: ExitStack) -> Record:
        with self.report.task(f"starting machine {record.name!r}") as task:
            started = launch.start(command, self.files, undo)
            with launch.deaths_told(self.files, started):
                with launch.connected(self.files, started) as monitor:
                    record = self._connected(record, command, started, monitor)
                return self._until_ready(record, started, task)

    def _until_ready(
        self, record: Record, started: Started, task: Task, *, has_booted: bool = False
    ) -> Record:
        from b2p.control.console import ConsoleWatch

        with ConsoleWatch(self.files.console, on_stage=task.say) as watch:
            self.way.until_ready(Attempt(record, started, watch, task, has_booted))
        if not record.first_ready:
            record = replace(record, first_ready=self.now)
            records.write(self.files.record, record)
        return record

    def _connected(
        self, record: Record, command: tuple[str, ...], started: Started, monitor: Monitor
    ) -> Record:
        ssh_port = launch.forward(monitor, ports.SSH, record.ssh_port)
        varlink_port = self._varlink_forwarded(monitor, record)
        if record.ports:
            from b2p import port

            port.restore(monitor, record, self.report)
        record = replace(
            record,
            ssh_port=ssh_port,
            varlink_port=varlink_port,
            pid=started.pid,
            pid_start=started.start_time,
            command=command,
        )
        records.write(self.files.record, record)
        return record

    def _varlink_forwarded(self, monitor: Monitor, record: Record) -> int:
        """The port of 127.0.0.1 where varlink is to be had by TCP; 0 where it is not."""
        if record.varlink != "tcp":
            return 0
        self.report.warn(
            "varlink on a TCP port: containers and other users of this computer reach it, as root",
            "where QEMU can, use its socket: varlink = 'unix'",
        )
        return launch.forward(monitor, ports.VARLINK, record.varlink_port)

    def _restore(self) -> None:
        """The start failed: nothing is left of a new machine, and an old one is as it was."""
        from b2p.remove import erase

        if self.before is None:
            erase(self.files)
        else:
            records.write(self.files.record, self.before)
