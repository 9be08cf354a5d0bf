"""b2p's own image: kernel, initrd and root are given to QEMU, the rest is told to the agent."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from b2p import engine, identity, launch, mounts, surroundings
from b2p.machine.model import Sockets
from b2p.machine.plan import ImageFiles, Places, Wishes, plan
from b2p.store import snapshots
from b2p.supply import Supply

if TYPE_CHECKING:
    from b2p.image.cache import Image
    from b2p.machine.model import Host, Machine
    from b2p.machine.share import Mount
    from b2p.settings import Settings
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record
    from b2p.ways import Attempt, Context


class Own:
    """See Way."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.mounts: tuple[Mount, ...] = ()

    def planned(self, record: Record) -> tuple[Record, Host, Machine]:
        """The image is found, or built; QEMU is found, or brought."""
        context = self.context
        # Before anything is fetched or built: what is wrong around here is known already.
        identity.around(context.settings, record.engine)
        supply = Supply(settings_in_force(context.settings, record), context.layout, context.report)
        host, image = supply.all(record.image)
        record = replace(record, image=image.digest, family="")
        self._find_mounts(record, host)
        machine = plan(
            replace(wishes(record), mounts=self.mounts, mount_slots=len(record.mounts)),
            host,
            _image_files(image),
            replace(
                _own_places(context.files, record),
                links=str(context.layout.network(record.network)),
            ),
        )
        return record, host, machine

    def _find_mounts(self, record: Record, host: Host) -> None:
        report = self.context.report
        if record.mounts and not host.qemu.shares:
            report.warn(
                "this QEMU shows the guest no directories: nothing is mounted",
                "let b2p bring one: b2p up --qemu managed",
            )
        elif record.mounts:
            self.mounts = mounts.present(record.mounts, report)

    def prepare(self, record: Record) -> None:
        """The data disk; one that no guest has mounted yet is made anew."""
        launch.prepare_disk(self.context.files, record.disk_bytes, is_new=not record.first_ready)

    def until_ready(self, attempt: Attempt) -> None:
        """The agent tells its stages and is told who it is; then the engine is asked."""
        from b2p.ready import Waiting

        waiting = Waiting(
            self.context.files,
            attempt.started,
            watch=attempt.watch,
            task=attempt.task,
            timeout=self.context.settings.timeout,
        )
        layout, settings = self.context.layout, self.context.settings
        waiting.until_ready(
            lambda: {
                **identity.whole(layout, attempt.record, settings),
                **self.told_again(),
            },
            warn=self.context.report.warn,
            has_booted=attempt.has_booted,
        )
        for name, problem in surroundings.deaf_proxies(os.environ):
            self.context.report.warn(problem, f"start it, or correct {name.upper()}")

    def told_again(self) -> dict[str, Any]:
        """What the guest is told at a resume too: it may have changed."""
        return {"mounts": mounts.told(self.mounts)}


def settings_in_force(settings: Settings, record: Record) -> Settings:
    """The machine's own architecture and engine, and its accelerator until another is asked for."""
    accel = settings.accel if "accel" in settings.said else record.accel
    return replace(settings, arch=record.arch, engine=record.engine, accel=accel)  # type: ignore[arg-type]


def wishes(record: Record) -> Wishes:
    """What of the record concerns QEMU."""
    return Wishes(
        name=record.name,
        uuid=record.uuid,
        cpus=record.cpus,
        memory_mib=record.memory_mib,
        varlink=record.varlink,
        host_calls=record.host_calls,
        number=record.network_number,
        extra=record.extra,
    )


def _image_files(image: Image) -> ImageFiles:
    return ImageFiles(kernel=str(image.kernel), initrd=str(image.initrd), root=str(image.root))


def _own_places(files: MachineFiles, record: Record) -> Places:
    """As for all, core's engine, and the disk that may lie on snapshots."""
    has_core = engine.of(record).is_rootless
    disk, form = snapshots.top(files)
    return replace(
        places(files),
        podman_core=str(files.podman_core) if has_core else "",
        docker=str(files.docker),
        data_disk=str(disk),
        data_format=form,
    )


def places(files: MachineFiles) -> Places:
    """Where the machine's own files lie, as its plan needs to know them."""
    return Places(
        data_disk=str(files.data_disk),
        console_log=str(files.console_log),
        podman=str(files.podman),
        varlink=str(files.varlink),
        call_script=str(files.call_script),
        nothing=str(files.nothing),
        sockets=Sockets(
            qmp=str(files.qmp),
            calls=str(files.calls),
            console=str(files.console),
            control=str(files.control),
        ),
    )
