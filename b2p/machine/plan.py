"""All decisions about what QEMU is asked to be: (wishes, host, image, places) -> Machine. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.errors import HostError, UsageError
from b2p.machine import peers, ports, share
from b2p.machine.architecture import kernel_words
from b2p.machine.model import DirectBoot, Disk, Host, Machine, Share, Sockets, UnixForward

if TYPE_CHECKING:
    from b2p.machine.model import DiskFormat

LEAST_MEMORY_MIB = 512
"""Below this systemd and podman come up, but the first container does not."""

SYSTEMD_UNIT = "b2p.target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was decided about a machine before this computer had its say."""

    name: str
    uuid: str
    cpus: int
    memory_mib: int
    varlink: str = "unix"
    """unix: a socket of its own; tcp and off: none, see b2p/launch.py."""
    host_calls: bool = True
    """Whether the guest may ask for something on the host."""
    mounts: tuple[share.Mount, ...] = ()
    mount_slots: int = 0
    """How many there would be, were all directories there: a state still fits without one."""
    number: int = 0
    """Its number in a network of machines; 0: it is in none."""
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFiles:
    """Where a built image lies."""

    kernel: str
    initrd: str
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the machine's own files lie."""

    data_disk: str
    console_log: str
    sockets: Sockets
    podman: str
    varlink: str
    call_script: str
    nothing: str
    """An empty directory."""
    podman_core: str = ""
    """Empty where no engine of another user than root's is known of."""
    docker: str = ""
    """Empty where docker's newest clients go to `podman` as well."""
    data_format: DiskFormat = "raw"
    links: str = ""
    """The directory where machines of its network meet."""


def plan(wishes: Wishes, host: Host, image: ImageFiles, places: Places) -> Machine:
    """The machine to start; raises UsageError or HostError where it cannot be."""
    check_host(wishes, host)
    return Machine(
        name=wishes.name,
        uuid=wishes.uuid,
        arch=host.arch,
        machine_type=host.qemu.machine_type,
        accelerator=host.accelerator,
        sandbox=host.qemu.sandbox,
        cpus=wishes.cpus,
        memory_mib=wishes.memory_mib,
        boot=DirectBoot(
            kernel=image.kernel,
            initrd=image.initrd,
            # Nothing of this machine alone: it is told who it is, maybe long after it was booted.
            command_line=_command_line(host),
        ),
        disks=(
            Disk(path=image.root, serial=ports.ROOT_DISK_SERIAL, read_only=True),
            Disk(
                path=places.data_disk,
                serial=ports.DATA_DISK_SERIAL,
                format=places.data_format,
            ),
        ),
        unix_forwards=unix_forwards(wishes, places),
        # ssh's port is forwarded over QMP once QEMU runs: a taken one is then no reason to fail.
        tcp_forwards=(),
        sockets=places.sockets,
        console_log=places.console_log,
        call_script=places.call_script if wishes.host_calls else "",
        shares=_shares(wishes, host, places),
        links=peers.links(wishes.number, places.links),
        extra=wishes.extra,
    )


def unix_forwards(wishes: Wishes, places: Places) -> tuple[UnixForward, ...]:
    """The sockets of the host that lead to ports of the guest, whoever serves there."""
    forwards = [UnixForward(path=places.podman, guest_port=ports.PODMAN)]
    if places.podman_core:
        forwards.append(UnixForward(path=places.podman_core, guest_port=ports.PODMAN_CORE))
    if places.docker:
        forwards.append(UnixForward(path=places.docker, guest_port=ports.DOCKER))
    if wishes.varlink == "unix":
        forwards.append(UnixForward(path=places.varlink, guest_port=ports.VARLINK))
    return tuple(forwards)


def _shares(wishes: Wishes, host: Host, places: Places) -> tuple[Share, ...]:
    """One for each mount, and slots that show nothing up to the number that all machines have."""
    if not host.qemu.shares:
        return ()
    wanted = [(mount.host, mount.read_only) for mount in wishes.mounts]
    slots = max(share.SLOTS, wishes.mount_slots)
    wanted += [(places.nothing, True)] * (slots - len(wanted))
    return tuple(
        Share(path=path, tag=share.tag(number), read_only=read_only)
        for number, (path, read_only) in enumerate(wanted)
    )


def check_host(wishes: Wishes, host: Host) -> None:
    """Raise UsageError or HostError where this computer cannot run such a machine at all."""
    check_memory(wishes.name, wishes.memory_mib, host.memory_mib)
    if not host.qemu.unix_forward:
        raise HostError(
            f"this QEMU ({'.'.join(map(str, host.qemu.version))}) cannot forward unix sockets",
            "let b2p bring one: b2p up --qemu managed",
        )


def check_memory(name: str, wanted_mib: int, available_mib: int) -> None:
    """Raise UsageError for a machine that gets too little memory, or more than the computer has."""
    if wanted_mib < LEAST_MEMORY_MIB:
        raise UsageError(
            f"{wanted_mib} MiB are too little memory for a machine",
            f"give it {LEAST_MEMORY_MIB}MiB or more",
        )
    if wanted_mib > available_mib:
        raise UsageError(
            f"machine {name!r} wants {wanted_mib} MiB of memory, this computer has {available_mib}",
            f"give it less: b2p up {name} --memory 2GiB",
        )


def _command_line(host: Host) -> str:
    words = kernel_words(host.arch, host.accelerator, counter_khz=host.counter_khz)
    return f"{words} systemd.unit={SYSTEMD_UNIT}"
