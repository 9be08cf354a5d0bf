"""The files that a machine of another family boots from, made in its own directory."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from b2p import proxies
from b2p.errors import HostError
from b2p.families.model import Ignition, KernelInside, NoCloud, UserdataDisk
from b2p.image import isoboot, overlay
from b2p.provision import ignition, nocloud, userdata
from b2p.provision import overlay as archive
from b2p.provision.told import Told
from b2p.store import durable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from b2p.choice import Chosen
    from b2p.families.model import Family
    from b2p.formats.bootmenu import Choice
    from b2p.image.medium import Evidence
    from b2p.machine.registries import Registries
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record


def told(record: Record, layout: Layout, files: MachineFiles, registries: Registries) -> Told:
    """Who the guest is, and who its user."""
    public = files.host_key.with_name(f"{files.host_key.name}.pub")
    return Told(
        name=record.name,
        instance=record.uuid,
        keys=(layout.user_key.with_suffix(".pub").read_text().strip(),),
        host_key=files.host_key.read_text(),
        host_key_public=public.read_text().strip(),
        proxy=proxies.for_guest(os.environ),
        registries=registries,
    )


def prepare(
    record: Record,
    chosen: Chosen,
    kernel: Choice | None,
    guest: Told,
    files: MachineFiles,
    *,
    user_data: bytes,
    user_ignition: bytes,
) -> None:
    """Make disks and media; what holds the user's data is kept once the guest was up."""
    family, is_old = chosen.family, bool(record.first_ready)
    with _room(files):
        if chosen.found.kind != "iso":
            system_disk(chosen.path, chosen.found, files.system_disk, record)
        if family.data_disk:
            data_disk(family, guest, files.data_disk, record)
        if kernel is not None:
            _kernel(chosen, kernel, guest, files)
        # What a guest has read once it does not read again.
        if isinstance(family.provisioner, NoCloud) and not (is_old and files.seed.exists()):
            seed = nocloud.seed(family, family.provisioner, guest, user_data=user_data)
            durable.write(files.seed, nocloud.iso(seed))
        if isinstance(family.provisioner, Ignition) and not (is_old and files.ignition.exists()):
            config = ignition.config(family, family.provisioner, guest, user=user_ignition)
            durable.write(files.ignition, config)


def system_disk(image: Path, found: Evidence, disk: Path, record: Record) -> None:
    """An overlay of the image, as large as was asked for; one that is there grows."""
    if disk.exists() and record.first_ready:
        overlay.grow(disk, record.disk_bytes)
        return
    disk.unlink(missing_ok=True)
    overlay.lay(disk, overlay.base_of(image, found), wished=record.disk_bytes, least=found.size)


def data_disk(family: Family, guest: Told, disk: Path, record: Record) -> None:
    """A sparse disk, at whose start stands what the guest is told; one that is there grows."""
    if not record.first_ready:
        disk.unlink(missing_ok=True)
        begin = b""
        if isinstance(family.provisioner, UserdataDisk):
            begin = userdata.disk_start(family.provisioner, guest)
        disk.write_bytes(begin)
    with disk.open("r+b") as file:
        if file.seek(0, 2) < record.disk_bytes:
            file.truncate(record.disk_bytes)


def _kernel(chosen: Chosen, kernel: Choice, guest: Told, files: MachineFiles) -> None:
    """Kernel and initrds are taken out again each time: what the guest is told may be new."""
    boot = chosen.family.boot
    extra = b""
    if isinstance(boot, KernelInside):
        extra = archive.overlay(chosen.family, boot, guest)
    shutil.rmtree(files.boot, ignore_errors=True)
    isoboot.taken_out(chosen.path, kernel, files.boot, appended=extra)


@contextlib.contextmanager
def _room(files: MachineFiles) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostError(
            f"the machine's files cannot be made at {str(files.home)!r}: {error.strerror}",
            "make room there",
        ) from error


def copy_variables(source: Path, target: Path) -> None:
    """UEFI's variables, of which each machine has its own."""
    if not target.exists():
        shutil.copyfile(source, target)
