"""The frozen values that describe a computer, its QEMU, and one machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Arch = Literal["x86_64", "aarch64"]
Accelerator = Literal["kvm", "hvf", "tcg"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectBoot:
    """A kernel and an initrd that QEMU loads itself."""

    kernel: str
    initrd: str
    command_line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A raw disk image, known to the guest by its serial."""

    path: str
    serial: str
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
class Sockets:
    """Where QEMU's own unix sockets lie on the host."""

    qmp: str
    calls: str
    console: str
    control: str


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
    boot: DirectBoot
    disks: tuple[Disk, ...]
    unix_forwards: tuple[UnixForward, ...]
    tcp_forwards: tuple[TcpForward, ...]
    sockets: Sockets
    console_log: str
    extra: tuple[str, ...] = field(default=())
    """The user's own options of QEMU; they come last, so they win."""
