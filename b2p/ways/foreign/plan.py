"""What QEMU is asked to be for an image that b2p did not make: (wishes, host, image) -> Machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.errors import UsageError
from b2p.families.model import Ignition, KernelInside, NoCloud
from b2p.formats.bootmenu import Choice, with_console
from b2p.image import isoboot, overlay
from b2p.machine.architecture import architecture, kernel_words
from b2p.machine.model import DirectBoot, Disk, FirmwareBoot, FirmwareEntry, Machine
from b2p.machine.plan import check_host, unix_forwards

if TYPE_CHECKING:
    from b2p.families.model import Family
    from b2p.image.medium import Evidence
    from b2p.machine.model import Boot, Host, Uefi
    from b2p.machine.plan import Places, Wishes

SYSTEM = "b2p-system"
MEDIUM = "b2p-medium"
DATA = "b2p-data"
SEED = "b2p-seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where what the machine boots from lies on the host; some of it is made by prepare.py."""

    image: str
    boot: str
    """The directory of what was taken out of an ISO."""
    system_disk: str
    data_disk: str
    seed: str
    ignition: str


def plan(
    wishes: Wishes,
    host: Host,
    family: Family,
    found: Evidence,
    *,
    kernel: Choice | None,
    files: Files,
    places: Places,
    uefi: Uefi | None,
) -> Machine:
    """The machine to start; raises UsageError or HostError where it cannot be.

    `kernel` is that of `kernel_of`.
    """
    check_host(wishes, host)
    if wishes.memory_mib < family.memory_mib:
        raise UsageError(
            f"{family.title} needs {family.memory_mib} MiB of memory",
            f"give it more: --memory {family.memory_mib}MiB",
        )
    return Machine(
        name=wishes.name,
        uuid=wishes.uuid,
        arch=host.arch,
        machine_type=host.qemu.machine_type,
        accelerator=host.accelerator,
        sandbox=host.qemu.sandbox,
        cpus=wishes.cpus,
        memory_mib=wishes.memory_mib,
        boot=_boot(found, kernel, files, uefi),
        disks=_disks(family, found, files),
        unix_forwards=unix_forwards(wishes, places),
        tcp_forwards=(),
        sockets=places.sockets,
        console_log=places.console_log,
        firmware_entries=_entries(family, files),
        # Looked at where the serial console says nothing, and some boot loaders insist on one.
        screen=not _in_memory(found, family),
        extra=wishes.extra,
    )


def kernel_of(family: Family, found: Evidence, host: Host) -> Choice | None:
    """How the kernel in an ISO is booted past its loader; None: the loader is to do it.

    Raises UsageError where the family's kernel is not in its image.
    """
    serial = architecture(host.arch).console
    boot = family.boot
    if found.kind == "iso" and isinstance(boot, KernelInside):
        words = family.console.kernel_words.format(serial=serial)
        if boot.is_own:
            words = kernel_words(host.arch, host.accelerator, counter_khz=host.counter_khz)
        return Choice(
            label=family.name,
            kernel=_first(boot.kernels, found),
            initrds=(
                *(_first(ways, found) for ways in boot.initrds),
                *(f"/{path}" for path in boot.optional_initrds if _has(found, path)),
            ),
            command_line=f"{boot.command_line.format(label=found.label)} {words}".strip(),
        )
    # Of an ISO that nobody knows its own menu tells; a loader would not use the serial console.
    if found.choice is not None and family.sources == {}:
        line = with_console(found.choice.command_line, serial)
        return replace(found.choice, command_line=line)
    return None


def _first(ways: tuple[str, ...], found: Evidence) -> str:
    for path in ways:
        if _has(found, path):
            return f"/{path}"
    raise UsageError(
        f"the ISO {found.file_name!r} has no {ways[0]!r}",
        "it is another image than its family's, or a broken one",
    )


def _has(found: Evidence, path: str) -> bool:
    return f"/{path}".lower() in map(str.lower, found.files)


def _boot(found: Evidence, kernel: Choice | None, files: Files, uefi: Uefi | None) -> Boot:
    if kernel is not None:
        return DirectBoot(
            kernel=f"{files.boot}/{isoboot.KERNEL}",
            initrd=f"{files.boot}/{isoboot.INITRD}" if kernel.initrds else "",
            command_line=kernel.command_line,
        )
    return FirmwareBoot(device=MEDIUM if found.kind == "iso" else SYSTEM, uefi=uefi)


def _disks(family: Family, found: Evidence, files: Files) -> tuple[Disk, ...]:
    """The order is the guest's: families look for their data on the first disk."""
    disks = []
    if found.kind != "iso":
        base = overlay.base_of(Path(files.image), found)
        disks.append(Disk(path=files.system_disk, serial=SYSTEM, format="qcow2", base=base))
    if family.data_disk:
        disks.append(Disk(path=files.data_disk, serial=DATA))
    if isinstance(family.provisioner, NoCloud):
        disks.append(Disk(path=files.seed, serial=SEED, read_only=True))
    if found.kind == "iso" and not _in_memory(found, family):
        disks.append(Disk(path=files.image, serial=MEDIUM, read_only=True, interface="cd"))
    return tuple(disks)


def _in_memory(found: Evidence, family: Family) -> bool:
    """Whether QEMU itself loads all of it: then its medium is not looked at, nor its screen."""
    return found.kind == "iso" and isinstance(family.boot, KernelInside) and family.boot.is_own


def _entries(family: Family, files: Files) -> tuple[FirmwareEntry, ...]:
    if isinstance(family.provisioner, Ignition):
        return (FirmwareEntry(name=family.provisioner.fw_cfg, path=files.ignition),)
    return ()
