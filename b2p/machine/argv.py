"""Machine -> the options of QEMU. Equal machines give equal commands; nothing is asked or made."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from b2p.machine import ports
from b2p.machine.architecture import accelerator_options, architecture
from b2p.machine.model import DirectBoot

if TYPE_CHECKING:
    from b2p.machine.model import Disk, Link, Machine, Uefi

_MEMORY = "ram"
"""Of one name wherever it comes from: a saved state knows its memory by it."""
_CODE = "uefi-code"
_VARIABLES = "uefi-variables"

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
        *_firmware_entries(machine),
        *_screen(machine),
        *_network(machine),
        "-device", "virtio-balloon-pci,free-page-reporting=on",
        *architecture(machine.arch).devices,
        *_shares(machine),
        *_links(machine),
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
    if machine.ends_with_parent:
        options += ["-run-with", "exit-with-parent=on"]
    if machine.sandbox:
        # A host call is a program that QEMU starts in a session of its own: these two forbid that.
        kept_in = "" if machine.call_script else "elevateprivileges=deny,spawn=deny,"
        options += ["-sandbox", f"on,obsolete=deny,{kept_in}resourcecontrol=deny"]
    return options


def _processor(machine: Machine) -> list[str]:
    quirks = architecture(machine.arch)
    return [
        "-machine",
        f"{machine.machine_type},{quirks.machine_options},memory-backend={_MEMORY}{_flash(machine)}",
        *accelerator_options(machine.arch, machine.accelerator),
        "-smp", str(machine.cpus),
        "-m", f"{machine.memory_mib}M",
        "-object", _memory(machine),
        "-rtc", "base=utc",
    ]  # fmt: skip


def _boot(machine: Machine) -> list[str]:
    boot = machine.boot
    if isinstance(boot, DirectBoot):
        initrd = ["-initrd", boot.initrd] if boot.initrd else []
        return ["-kernel", boot.kernel, *initrd, "-append", boot.command_line]
    if boot.uefi is None:
        return []
    return [
        *_chip(_CODE, boot.uefi.code, boot.uefi),
        *_chip(_VARIABLES, boot.uefi.variables, boot.uefi),
    ]


def _memory(machine: Machine) -> str:
    size = f"id={_MEMORY},size={machine.memory_mib}M"
    file = machine.memory_file
    if file is None:
        return f"memory-backend-ram,{size}"
    # Opened for reading only: else free pages that the guest reports would be punched out of it.
    mode = "share=on" if file.shared else "share=off,readonly=on,rom=off"
    return f"memory-backend-file,{size},mem-path={escaped(file.path)},{mode}"


def _flash(machine: Machine) -> str:
    """The machine's properties that put UEFI's chips in."""
    if isinstance(machine.boot, DirectBoot) or machine.boot.uefi is None:
        return ""
    return f",pflash0={_CODE},pflash1={_VARIABLES}"


def _chip(node: str, path: str, uefi: Uefi) -> list[str]:
    mode = "read-only=on" if node == _CODE else "read-only=off"
    return ["-blockdev", f"driver={uefi.format},node-name={node},{mode},{_file(path)}"]


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
        *_control(machine),
    ]  # fmt: skip


def _control(machine: Machine) -> list[str]:
    if not machine.sockets.control:
        return []
    return [
        "-device", "virtio-serial-pci",
        "-chardev", _listening("control", machine.sockets.control),
        "-device", f"virtserialport,chardev=control,name={ports.CONTROL_PORT_NAME}",
    ]  # fmt: skip


def _listening(name: str, path: str) -> str:
    return f"socket,id={name},path={escaped(path)},server=on,wait=off"


def _disks(machine: Machine) -> list[str]:
    boot = machine.boot
    first = "" if isinstance(boot, DirectBoot) else boot.device
    cds = [disk for disk in machine.disks if disk.interface == "cd"]
    quirks = architecture(machine.arch)
    options = list(quirks.cd_controller) if cds else []
    for disk in machine.disks:
        bus = quirks.cd_bus(cds.index(disk)) if disk in cds else ""
        options += _disk(disk, bus, ",bootindex=0" if disk.serial == first else "")
    return options


def _disk(disk: Disk, bus: str, order: str) -> list[str]:
    node = disk.serial
    is_fixed = disk.read_only or bool(bus)
    mode = "read-only=on" if is_fixed else "discard=unmap,detect-zeroes=unmap"
    # What cannot be written, for want of room or a quota's, pauses the machine: an error would make
    # the guest's ext4 give up. b2p/standstill.py lets it go on.
    error = "" if is_fixed else ",werror=stop"
    file = f"{_file(disk.path)},file.discard=unmap"
    return [
        "-blockdev", f"driver={disk.format},node-name={node},{mode},{file}{_base(disk)}",
        "-device", f"{bus or 'virtio-blk-pci'},drive={node},serial={disk.serial}{error}{order}",
    ]  # fmt: skip


def _base(disk: Disk) -> str:
    """The base of an overlay, with its format: QEMU must not guess it from what a guest wrote."""
    base = disk.base
    if base is None:
        return ""
    return f",backing.driver={base.format},backing.read-only=on,{_file(base.path, 'backing.')}"


def _file(path: str, prefix: str = "") -> str:
    return f"{prefix}file.driver=file,{prefix}file.filename={escaped(path)}"


def _firmware_entries(machine: Machine) -> list[str]:
    words = []
    for entry in machine.firmware_entries:
        words += ["-fw_cfg", f"name={escaped(entry.name)},file={escaped(entry.path)}"]
    return words


def _shares(machine: Machine) -> list[str]:
    words = []
    for share in machine.shares:
        # Files belong to QEMU's user, whoever makes them in the guest; chown to another is refused.
        mode = "security_model=none,multidevs=remap"
        mode += ",readonly=on" if share.read_only else ""
        path = escaped(share.path)
        words += [
            "-fsdev", f"local,id={share.tag},path={path},{mode}",
            "-device", f"virtio-9p-pci,fsdev={share.tag},mount_tag={share.tag}",
        ]  # fmt: skip
    return words


def _links(machine: Machine) -> list[str]:
    words = []
    for link in machine.links:
        name = f"peer{link.peer}"
        words += [
            "-netdev", _cable(name, link),
            "-device",
            f"virtio-net-pci,netdev={name},mac={ports.PEER_MAC}{link.peer},romfile=",
        ]  # fmt: skip
    return words


def _cable(name: str, link: Link) -> str:
    if not link.path:
        return f"hubport,id={name},hubid={link.peer}"
    # Not a stream: QEMU blocks as a whole where the other end of one that it accepted stands still.
    ends = (("local", link.path), ("remote", link.peer_path))
    told = (f"{end}.type=unix,{end}.path={escaped(path)}" for end, path in ends)
    return f"dgram,id={name},{','.join(told)}"


def _screen(machine: Machine) -> list[str]:
    return ["-device", architecture(machine.arch).screen] if machine.screen else []


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
        "-netdev", ",".join(["user", "id=net0", *forwards, *_calls(machine)]),
        # No boot ROM: the machine never boots from the network.
        "-device", f"virtio-net-pci,netdev=net0,mac={MAC},romfile=",
    ]  # fmt: skip


def _calls(machine: Machine) -> list[str]:
    if not machine.call_script:
        return []
    # Split into words as a shell would; the script need not be executable where it lies.
    command = f"/bin/sh {shlex.quote(machine.call_script)}"
    return [f"guestfwd=tcp:{ports.CALLS_ADDRESS}:{ports.CALLS}-cmd:{escaped(command)}"]
