"""b2p's own image: kernel, initrd and root are given to QEMU, the rest is told to the agent."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from b2p import launch
from b2p.machine.model import Sockets
from b2p.machine.plan import ImageFiles, Places, Wishes, plan
from b2p.supply import Supply

if TYPE_CHECKING:
    from b2p.image.cache import Image
    from b2p.machine.model import Host, Machine
    from b2p.settings import Settings
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record
    from b2p.ways import Attempt, Context


ENTROPY_BYTES = 64


class Own:
    """See Way."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def planned(self, record: Record) -> tuple[Record, Host, Machine]:
        """The image is found, or built; QEMU is found, or brought."""
        context = self.context
        supply = Supply(settings_in_force(context.settings, record), context.layout, context.report)
        host, image = supply.all(record.image)
        record = replace(record, image=image.digest, family="")
        machine = plan(wishes(record), host, _image_files(image), _own_places(context.files))
        return record, host, machine

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
        waiting.until_ready(
            lambda: identity(self.context, attempt.record), has_booted=attempt.has_booted
        )


def identity(context: Context, record: Record) -> dict[str, Any]:
    """What the guest is told about itself, whenever it begins to run: nothing that others have."""
    files = context.files
    public = context.layout.user_key.with_suffix(".pub")
    has_keys = files.host_key.exists()
    return {
        "name": context.name,
        "machine_id": record.uuid.replace("-", ""),
        "time": time.time(),
        "entropy": os.urandom(ENTROPY_BYTES).hex(),
        "authorized_keys": [public.read_text().strip()] if has_keys else [],
        "host_keys": {files.host_key.name: files.host_key.read_text()} if has_keys else {},
        "throwaway": context.layout.is_throwaway,
    }


def settings_in_force(settings: Settings, record: Record) -> Settings:
    """The accelerator that was decided for this machine holds until another is asked for."""
    if "accel" not in settings.said:
        return replace(settings, accel=record.accel)  # type: ignore[arg-type]
    return settings


def wishes(record: Record) -> Wishes:
    """What of the record concerns QEMU."""
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


def _own_places(files: MachineFiles) -> Places:
    """As for all, and core's engine."""
    return replace(places(files), podman_core=str(files.podman_core))


def places(files: MachineFiles) -> Places:
    """Where the machine's own files lie, as its plan needs to know them."""
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
