"""The frozen values that describe a computer, its QEMU, and one machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Arch = Literal["x86_64", "aarch64"]
ArchWish = Literal["auto", "x86_64", "aarch64"]
"""auto: that of the computer."""
Accelerator = Literal["kvm", "hvf", "tcg"]
DiskFormat = Literal["raw", "qcow2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Qemu:
    """One QEMU binary and what it said of itself when asked."""

    command: tuple[str, ...]
    """The words that start it: a path, or ld.so with its library path and the path."""
    version: tuple[int, int, int]
    machine_type: str
    """The newest versioned machine, such as pc-q35-11.1: what the alias q35 stands for."""
    unix_forward: bool
    """Whether the user network takes hostfwd=unix:PATH."""
    sandbox: bool
    """Whether -sandbox on is compiled in (Linux only)."""
    exit_with_parent: bool = False
    """Whether it takes -run-with exit-with-parent=on."""
    shares: bool = True
    """Whether it can show directories of the host to a guest (9p)."""
    origin: Literal["system", "managed", "path"]
    identity: str
    """Digest of path, size and mtime: the key under which findings about it are cached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What was found out about this computer; probed once, decided from ever after."""

    arch: Arch
    qemu: Qemu
    accelerator: Accelerator
    accelerator_problem: str
    """Why hardware acceleration is not used, and what to do; empty where it is."""
    cores: int
    memory_mib: int
    counter_khz: int = 0
    """What an emulated processor's time stamp counter counts in a millisecond; 0: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectBoot:
    """A kernel and an initrd (empty: none) that QEMU loads itself."""

    kernel: str
    initrd: str
    command_line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uefi:
    """The pair of flash chips that is UEFI: its code, and this machine's own variables."""

    code: str
    variables: str
    format: DiskFormat = "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareBoot:
    """The machine's firmware starts what lies on one of its disks or CDs."""

    device: str
    """The serial of that disk."""
    uefi: Uefi | None = None
    """None: the BIOS that QEMU comes with."""


Boot = DirectBoot | FirmwareBoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What lies beneath an overlay, never written to. It stands alone: nothing is beneath it."""

    path: str
    format: DiskFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk image, known to the guest by its serial. What it is is said, never guessed by QEMU."""

    path: str
    serial: str
    read_only: bool = False
    format: DiskFormat = "raw"
    base: Base | None = None
    """Of a qcow2 overlay."""
    interface: Literal["virtio", "cd"] = "virtio"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareEntry:
    """A file that the guest finds under a name in QEMU's firmware configuration (fw_cfg)."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A directory of the host that the guest may mount (9p), known to it by a tag."""

    path: str
    tag: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixForward:
    """Connections to a unix socket on the host, led to a TCP port of the guest."""

    path: str
    guest_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpForward:
    """Connections to 127.0.0.1:host_port (0: any free one), led to a TCP port of the guest."""

    host_port: int
    guest_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network card whose cable leads to one other machine: the one of that number."""

    peer: int
    path: str = ""
    """The unix socket where this end hears the other; empty: nothing is plugged in."""
    peer_path: str = ""
    """The one where the other end hears this one, while it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets:
    """Where QEMU's own unix sockets lie on the host."""

    qmp: str
    calls: str
    console: str
    control: str
    """Of b2p's agent in the guest; empty for guests without it, which get no such port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFile:
    """A file that the machine's memory lies in, or begins as."""

    path: str
    shared: bool
    """Whether what the machine writes goes to the file; else it keeps its own copy of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What QEMU is asked to be: complete, no process, no open file."""

    name: str
    uuid: str
    arch: Arch
    machine_type: str
    accelerator: Accelerator
    sandbox: bool
    cpus: int
    memory_mib: int
    boot: Boot
    disks: tuple[Disk, ...]
    unix_forwards: tuple[UnixForward, ...]
    tcp_forwards: tuple[TcpForward, ...]
    sockets: Sockets
    console_log: str
    firmware_entries: tuple[FirmwareEntry, ...] = ()
    memory_file: MemoryFile | None = None
    """None: memory that is nobody else's and empty at first."""
    ends_with_parent: bool = False
    """Whether QEMU ends when the process that started it does, however that ends."""
    call_script: str = ""
    """The shell script that QEMU starts for each host call; empty: there are none."""
    shares: tuple[Share, ...] = ()
    links: tuple[Link, ...] = ()
    """To the other machines of its network; empty: it is in none."""
    screen: bool = False
    """Whether it has a display, to be looked at where its serial console says nothing."""
    extra: tuple[str, ...] = field(default=())
    """The user's own options of QEMU; they come last, so they win."""
