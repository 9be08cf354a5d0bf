"""The story of `b2p up`: lock, host, image, machine, launch, ready, report."""

from __future__ import annotations

import contextlib
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from b2p import decision, launch, status
from b2p.down import qemus
from b2p.errors import B2PError, GuestError, StateError
from b2p.host import computer
from b2p.machine import ports
from b2p.machine.argv import argv
from b2p.machine.model import Sockets
from b2p.machine.plan import ImageFiles, Places, Wishes, check_memory, plan
from b2p.store import lock, places
from b2p.store import record as records
from b2p.supply import Supply

if TYPE_CHECKING:
    from b2p.control.monitor import Monitor
    from b2p.host.process import Started
    from b2p.image.cache import Image
    from b2p.machine.model import Host
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

LOCK_WAIT_SECONDS = 600.0
STATUS_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""For the engine of a machine that runs already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What came of it."""

    record: Record
    command: tuple[str, ...]
    """The words that start (or, in a dry run, would start) QEMU."""
    was_running: bool = False


def up(
    name: str,
    settings: Settings,
    layout: Layout,
    report: Report,
    *,
    dry_run: bool = False,
    extra: tuple[str, ...] = (),
) -> Up:
    """Start the machine, made on first use, and wait until its engine answers.

    A machine that runs is left as it is. Raises B2PError; what was begun is then undone.
    """
    files = layout.machine(name)
    places.prepare(layout)
    with lock.hold(
        files.lock,
        command="b2p up",
        wait=LOCK_WAIT_SECONDS,
        on_wait=lambda holder: report.note(f"waiting for {holder or 'another b2p'}"),
    ) as held:
        try:
            before = records.read(files.record)
            if before and (running := _running(before, settings, layout, report, extra)):
                return running
            start = _Start(name, settings, layout, report, before=before, extra=extra)
            return start.shown() if dry_run else start.done()
        finally:
            # A dry run, or a first start that was undone.
            if not files.home.exists():
                held.discard()


def _running(
    before: Record, settings: Settings, layout: Layout, report: Report, extra: tuple[str, ...]
) -> Up | None:
    """The answer for a machine that runs already and whose engine answers."""
    from b2p.client import api

    (found,) = status.of_records([before], layout)
    if found.state == "stopped":
        return None
    if found.state == "broken":
        raise StateError(f"machine {before.name!r} is broken: {found.problem}", found.remedy)
    if not api.await_ping(found.files.podman, timeout=ANSWER_SECONDS):
        if _never_came_up(before, found.files):
            report.warn(f"the last start of machine {before.name!r} was broken off; it begins anew")
            for started in qemus(before):
                launch.kill(started)
            return None
        raise GuestError(
            "asking the engine",
            f"machine {before.name!r} runs, but does not answer",
            f"b2p down --force {before.name} && b2p up {before.name}",
        )
    if not before.first_ready:
        # The b2p that started it was killed; from now on its disk matters.
        before = replace(before, first_ready=_now())
        records.write(found.files.record, before)
    for difference in decision.differences(before, settings, extra=extra or None):
        report.warn(
            f"{difference} is not in force yet: machine {before.name!r} runs",
            f"restart it: b2p down {before.name} && b2p up {before.name}",
        )
    report.note(f"machine {before.name!r} is running")
    return Up(record=before, command=before.command, was_running=True)


def _never_came_up(record: Record, files: MachineFiles) -> bool:
    """Whether nothing can run in it yet: its b2p was killed before it was told who it is."""
    from b2p.control.guest import GuestPort

    if not record.first_ready:
        return True
    with contextlib.suppress(B2PError), GuestPort(files.control) as port:
        return port.ask("status", timeout=STATUS_SECONDS).get("ready") is False
    return False


class _Start:
    """One start of a machine that does not run."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        layout: Layout,
        report: Report,
        *,
        before: Record | None,
        extra: tuple[str, ...],
    ) -> None:
        self.name = name
        self.settings = settings
        self.layout = layout
        self.report = report
        self.before = before
        self.extra = extra
        self.files = layout.machine(name)

    def shown(self) -> Up:
        """What would be started."""
        record, command = self._planned()
        return Up(record=record, command=command)

    def done(self) -> Up:
        """Start it."""
        began = time.monotonic()
        record, command = self._planned()
        with ExitStack() as undo:
            if self.before is None:
                launch.refuse_orphan(self.files)
            places.prepare_machine(self.files)
            undo.callback(self._restore)
            launch.prepare_keys(self.layout, self.files)
            # Before the disk: one that no record tells of is not ours to make anew.
            records.write(self.files.record, record)
            launch.prepare_disk(self.files, record.disk_bytes, is_new=not record.first_ready)
            try:
                record = self._launched(record, command, undo)
            except GuestError as error:
                error.hint = f"{error.hint}; its whole console: {self._kept_console()}"
                raise
            undo.pop_all()
        self.report.note(f"machine {self.name!r} is up after {time.monotonic() - began:.1f} s")
        return Up(record=record, command=command)

    def _kept_console(self) -> str:
        """Where the console of a start that failed can be read: a new machine is not kept."""
        if self.before is not None:
            return f"b2p logs {self.name}"
        with contextlib.suppress(OSError):
            self.files.console_log.replace(self.layout.failed_console)
        return str(self.layout.failed_console)

    def _planned(self) -> tuple[Record, tuple[str, ...]]:
        record = self._decided()
        # Before anything is fetched or built for a machine that cannot be.
        check_memory(record.name, record.memory_mib, computer.memory_mib())
        supply = Supply(self._settings_in_force(), self.layout, self.report)
        host, image = supply.all(record.image)
        record = replace(record, image=image.digest)
        machine = plan(_wishes(record), host, _image_files(image), _places(self.files))
        self._warn_of(host)
        return record, (*host.qemu.command, *argv(machine))

    def _settings_in_force(self) -> Settings:
        """The accelerator that was decided for this machine holds until another is asked for."""
        if self.before and "accel" not in self.settings.said:
            return replace(self.settings, accel=self.before.accel)  # type: ignore[arg-type]
        return self.settings

    def _decided(self) -> Record:
        """The record as it is wished; that of a new machine has no image yet."""
        if self.before:
            extra = self.extra or None
            return decision.changed(
                self.before, self.settings, image=self.before.image, extra=extra
            )
        return decision.made(
            self.name,
            self.settings,
            image="",
            uuid=str(uuid.uuid4()),
            now=_now(),
            extra=self.extra,
        )

    def _warn_of(self, host: Host) -> None:
        if host.accelerator_problem:
            why, _, remedy = host.accelerator_problem.partition("; ")
            self.report.warn(f"emulating the processor, which is slow: {why}", remedy)

    def _launched(self, record: Record, command: tuple[str, ...], undo: ExitStack) -> Record:
        from b2p.control.console import ConsoleWatch
        from b2p.ready import Waiting

        with self.report.task(f"starting machine {self.name!r}") as task:
            started = launch.start(command, self.files, undo)
            with launch.deaths_told(self.files, started):
                record = self._connected(record, command, started)
                with ConsoleWatch(self.files.console, on_stage=task.say) as watch:
                    waiting = Waiting(
                        self.files, started, watch=watch, task=task, timeout=self.settings.timeout
                    )
                    waiting.until_ready(lambda: _identity(self.name, self.layout, self.files))
        if not record.first_ready:
            record = replace(record, first_ready=_now())
            records.write(self.files.record, record)
        return record

    def _connected(self, record: Record, command: tuple[str, ...], started: Started) -> Record:
        with launch.connected(self.files, started) as monitor:
            ssh_port = launch.forward(monitor, ports.SSH, record.ssh_port)
            varlink_port = self._varlink_forwarded(monitor, record)
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


def _identity(name: str, layout: Layout, files: MachineFiles) -> dict[str, Any]:
    """What the guest is told about itself."""
    return {
        "name": name,
        "time": time.time(),
        "authorized_keys": [layout.user_key.with_suffix(".pub").read_text().strip()],
        "host_keys": {files.host_key.name: files.host_key.read_text()},
    }


def _wishes(record: Record) -> Wishes:
    return Wishes(
        name=record.name,
        uuid=record.uuid,
        cpus=record.cpus,
        memory_mib=record.memory_mib,
        varlink=record.varlink,
        extra=record.extra,
    )


def _image_files(image: Image) -> ImageFiles:
    return ImageFiles(kernel=str(image.kernel), initrd=str(image.initrd), root=str(image.root))


def _places(files: MachineFiles) -> Places:
    return Places(
        data_disk=str(files.data_disk),
        console_log=str(files.console_log),
        podman=str(files.podman),
        varlink=str(files.varlink),
        sockets=Sockets(
            qmp=str(files.qmp),
            calls=str(files.calls),
            console=str(files.console),
            control=str(files.control),
        ),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
