"""Machine -> the options of QEMU. Equal machines give equal commands; nothing is asked or made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.machine import ports
from b2p.machine.architecture import accelerator_options, architecture

if TYPE_CHECKING:
    from b2p.machine.model import Disk, Machine

MAC = "52:54:00:b2:b0:01"
"""The same for every machine: each has a user-mode network of its own."""


def argv(machine: Machine) -> list[str]:
    """The options of QEMU, without the word that starts it; the user's own come last."""
    return [
        *_identity(machine),
        *_processor(machine),
        *_boot(machine),
        *_monitors(machine),
        *_serial(machine),
        *_disks(machine),
        *_network(machine),
        "-device", "virtio-balloon-pci,free-page-reporting=on",
        *machine.extra,
    ]  # fmt: skip


def escaped(value: str) -> str:
    """A value inside an option: QEMU reads two commas as one."""
    return value.replace(",", ",,")


def _identity(machine: Machine) -> list[str]:
    name = f"b2p-{machine.name}"
    # Where a QEMU has the sandbox it runs on Linux; elsewhere it refuses to name its process.
    process = f",process={escaped(name)}" if machine.sandbox else ""
    # -name first, so that the machine is seen in `ps`.
    options = [
        "-name", f"{escaped(name)}{process}",
        "-uuid", machine.uuid,
        "-nodefaults", "-no-user-config",
        "-display", "none",
    ]  # fmt: skip
    if machine.sandbox:
        denied = "obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
        options += ["-sandbox", f"on,{denied}"]
    return options


def _processor(machine: Machine) -> list[str]:
    quirks = architecture(machine.arch)
    return [
        "-machine", f"{machine.machine_type},{quirks.machine_options}",
        *accelerator_options(machine.accelerator),
        "-smp", str(machine.cpus),
        "-m", f"{machine.memory_mib}M",
        "-rtc", "base=utc",
    ]  # fmt: skip


def _boot(machine: Machine) -> list[str]:
    return [
        "-kernel", machine.boot.kernel,
        "-initrd", machine.boot.initrd,
        "-append", machine.boot.command_line,
    ]  # fmt: skip


def _monitors(machine: Machine) -> list[str]:
    # Two, since a second client on one hangs in silence: verbs (under the lock) and host calls.
    options = []
    for name, path in (("qmp", machine.sockets.qmp), ("calls", machine.sockets.calls)):
        options += ["-chardev", _listening(name, path), "-mon", f"chardev={name},mode=control"]
    return options


def _serial(machine: Machine) -> list[str]:
    log = f"logfile={escaped(machine.console_log)},logappend=on"
    return [
        "-chardev", f"{_listening('console', machine.sockets.console)},{log}",
        "-serial", "chardev:console",
        "-device", "virtio-serial-pci",
        "-chardev", _listening("control", machine.sockets.control),
        "-device", f"virtserialport,chardev=control,name={ports.CONTROL_PORT_NAME}",
    ]  # fmt: skip


def _listening(name: str, path: str) -> str:
    return f"socket,id={name},path={escaped(path)},server=on,wait=off"


def _disks(machine: Machine) -> list[str]:
    return [word for disk in machine.disks for word in _disk(disk)]


def _disk(disk: Disk) -> list[str]:
    node = disk.serial
    mode = "read-only=on" if disk.read_only else "discard=unmap,detect-zeroes=unmap"
    file = f"file.driver=file,file.filename={escaped(disk.path)},file.discard=unmap"
    return [
        "-blockdev", f"driver=raw,node-name={node},{mode},{file}",
        "-device", f"virtio-blk-pci,drive={node},serial={disk.serial}",
    ]  # fmt: skip


def _network(machine: Machine) -> list[str]:
    forwards = [
        f"hostfwd=unix:{escaped(forward.path)}-:{forward.guest_port}"
        for forward in machine.unix_forwards
    ]
    # An address always: without one QEMU listens on every interface of the host.
    forwards += [
        f"hostfwd=tcp:127.0.0.1:{forward.host_port}-:{forward.guest_port}"
        for forward in machine.tcp_forwards
    ]
    return [
        "-netdev", ",".join(["user", "id=net0", *forwards]),
        # No boot ROM: the machine never boots from the network.
        "-device", f"virtio-net-pci,netdev=net0,mac={MAC},romfile=",
    ]  # fmt: skip
