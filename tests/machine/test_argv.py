"""The whole command, as literal lists: a change of any word of it is to be seen here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from b2p.machine.argv import argv, escaped
from b2p.machine.model import (
    Base,
    DirectBoot,
    Disk,
    FirmwareBoot,
    FirmwareEntry,
    Machine,
    MemoryFile,
    Share,
    Sockets,
    TcpForward,
    Uefi,
    UnixForward,
)

MACHINE = Machine(
    name="web",
    uuid="6b32502b-1c54-4c5c-9d3a-08d7a0f1f001",
    arch="x86_64",
    machine_type="pc-q35-11.1",
    accelerator="kvm",
    sandbox=True,
    cpus=2,
    memory_mib=2048,
    boot=DirectBoot(kernel="/i/kernel", initrd="/i/initrd", command_line="quiet lsm=a,b"),
    disks=(
        Disk(path="/i/root", serial="b2p-root", read_only=True),
        Disk(path="/m/data.raw", serial="b2p-data"),
    ),
    unix_forwards=(UnixForward(path="/r/podman.sock", guest_port=2375),),
    tcp_forwards=(),
    sockets=Sockets(
        qmp="/r/qmp.sock",
        calls="/r/call.sock",
        console="/r/console.sock",
        control="/r/control.sock",
    ),
    console_log="/m/console.log",
)

IDENTITY = [
    "-name", "b2p-web,process=b2p-web",
    "-uuid", "6b32502b-1c54-4c5c-9d3a-08d7a0f1f001",
    "-nodefaults", "-no-user-config",
    "-display", "none",
    "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
]  # fmt: skip

PC = ["-machine", "pc-q35-11.1,hpet=off,vmport=off,smm=off,memory-backend=ram"]
VIRT = ["-machine", "virt-11.1,gic-version=max,memory-backend=ram"]

ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    "hvf": ["-accel", "hvf", "-cpu", "host"],
    "tcg": ["-accel", "tcg,thread=multi,tb-size=64", "-cpu", "max"],
}

REST = [
    "-smp", "2",
    "-m", "2048M",
    "-object", "memory-backend-ram,id=ram,size=2048M",
    "-rtc", "base=utc",
    "-kernel", "/i/kernel",
    "-initrd", "/i/initrd",
    "-append", "quiet lsm=a,b",
    "-chardev", "socket,id=qmp,path=/r/qmp.sock,server=on,wait=off",
    "-mon", "chardev=qmp,mode=control",
    "-chardev", "socket,id=calls,path=/r/call.sock,server=on,wait=off",
    "-mon", "chardev=calls,mode=control",
    "-chardev",
    "socket,id=console,path=/r/console.sock,server=on,wait=off,logfile=/m/console.log,logappend=on",
    "-serial", "chardev:console",
    "-device", "virtio-serial-pci",
    "-chardev", "socket,id=control,path=/r/control.sock,server=on,wait=off",
    "-device", "virtserialport,chardev=control,name=b2p.control",
    "-blockdev",
    "driver=raw,node-name=b2p-root,read-only=on,file.driver=file,file.filename=/i/root,file.discard=unmap",
    "-device", "virtio-blk-pci,drive=b2p-root,serial=b2p-root",
    "-blockdev",
    ("driver=raw,node-name=b2p-data,discard=unmap,detect-zeroes=unmap,"
     "file.driver=file,file.filename=/m/data.raw,file.discard=unmap"),
    "-device", "virtio-blk-pci,drive=b2p-data,serial=b2p-data,werror=stop",
    "-netdev", "user,id=net0,hostfwd=unix:/r/podman.sock-:2375",
    "-device", "virtio-net-pci,netdev=net0,mac=52:54:00:b2:b0:01,romfile=",
    "-device", "virtio-balloon-pci,free-page-reporting=on",
]  # fmt: skip
GENERATION = ["-device", "vmgenid,guid=auto"]


def test_a_machine_under_kvm() -> None:
    assert argv(MACHINE) == [*IDENTITY, *PC, *ACCELERATORS["kvm"], *REST, *GENERATION]


def test_a_machine_under_emulation() -> None:
    assert argv(replace(MACHINE, accelerator="tcg")) == [
        *IDENTITY,
        *PC,
        *ACCELERATORS["tcg"],
        *REST,
        *GENERATION,
    ]


def test_a_machine_on_a_mac() -> None:
    # No sandbox there, and a QEMU that refuses to name its process.
    machine = replace(
        MACHINE, arch="aarch64", machine_type="virt-11.1", accelerator="hvf", sandbox=False
    )
    identity = ["-name", "b2p-web", *IDENTITY[2:-2]]
    assert argv(machine) == [*identity, *VIRT, *ACCELERATORS["hvf"], *REST]


def test_equal_machines_give_equal_commands() -> None:
    assert argv(MACHINE) == argv(replace(MACHINE))


def test_the_users_own_options_come_last() -> None:
    machine = replace(MACHINE, extra=("-m", "4G", "-device", "x,y"))
    assert argv(machine)[-4:] == ["-m", "4G", "-device", "x,y"]


def test_a_comma_in_a_path_does_not_end_the_option() -> None:
    place = "/a,b c"
    machine = replace(
        MACHINE,
        console_log=f"{place}/log",
        disks=(Disk(path=f"{place}/disk", serial="s"),),
        unix_forwards=(UnixForward(path=f"{place}/podman", guest_port=1),),
        sockets=Sockets(
            qmp=f"{place}/qmp",
            calls=f"{place}/calls",
            console=f"{place}/console",
            control=f"{place}/control",
        ),
    )
    words = argv(machine)
    named = [word for word in words if place[:2] in word]
    assert len(named) == 6
    assert not [word for word in named if "/a,b" in word]
    assert any("hostfwd=unix:/a,,b c/podman-:1" in word for word in named)
    assert any(",logfile=/a,,b c/log," in word for word in named)


@pytest.mark.parametrize("path", ["kernel", "initrd"])
def test_what_is_an_option_of_its_own_is_not_escaped(path: str) -> None:
    boot = DirectBoot(**{"kernel": "/k", "initrd": "/i", "command_line": "x", path: "/a,b"})
    words = argv(replace(MACHINE, boot=boot))
    assert words[words.index(f"-{path}") + 1] == "/a,b"


def test_escaping_doubles_commas_and_nothing_else() -> None:
    assert escaped("a,,b=c d") == "a,,,,b=c d"


def test_no_forward_listens_beyond_this_computer() -> None:
    machine = replace(MACHINE, tcp_forwards=(TcpForward(host_port=0, guest_port=22),))
    words = argv(machine)
    network = words[words.index("-netdev") + 1]
    assert network == ("user,id=net0,hostfwd=unix:/r/podman.sock-:2375,hostfwd=tcp:127.0.0.1:0-:22")


def test_a_guest_that_may_call_takes_two_switches_of_the_sandbox() -> None:
    words = argv(replace(MACHINE, call_script="/it's, a/call"))
    assert words[words.index("-sandbox") + 1] == "on,obsolete=deny,resourcecontrol=deny"
    network = words[words.index("-netdev") + 1]
    quoted = "'/it'\"'\"'s,, a/call'"
    assert network.endswith(f",guestfwd=tcp:10.0.2.100:2378-cmd:/bin/sh {quoted}")


def test_a_machine_without_disks_and_forwards_has_no_such_words() -> None:
    words = argv(replace(MACHINE, disks=(), unix_forwards=()))
    assert "-blockdev" not in words
    assert words[words.index("-netdev") + 1] == "user,id=net0"


FOREIGN = replace(
    MACHINE,
    boot=FirmwareBoot(device="b2p-root"),
    disks=(
        Disk(
            path="/m/root.qcow2",
            serial="b2p-root",
            format="qcow2",
            base=Base(path="/c/a,b.img", format="qcow2"),
        ),
        Disk(path="/m/cidata.iso", serial="cidata", interface="cd"),
    ),
    sockets=replace(MACHINE.sockets, control=""),
    firmware_entries=(FirmwareEntry(name="opt/com.coreos/config", path="/m/ignition.json"),),
    screen=True,
)

FOREIGN_DISKS = [
    "-blockdev",
    ("driver=qcow2,node-name=b2p-root,discard=unmap,detect-zeroes=unmap,"
     "file.driver=file,file.filename=/m/root.qcow2,file.discard=unmap,"
     "backing.driver=qcow2,backing.read-only=on,"
     "backing.file.driver=file,backing.file.filename=/c/a,,b.img"),
    "-device", "virtio-blk-pci,drive=b2p-root,serial=b2p-root,werror=stop,bootindex=0",
    "-blockdev",
    ("driver=raw,node-name=cidata,read-only=on,file.driver=file,file.filename=/m/cidata.iso,"
     "file.discard=unmap"),
]  # fmt: skip


def test_a_foreign_disk_booted_by_bios() -> None:
    assert argv(FOREIGN) == [
        *IDENTITY,
        *PC,
        *ACCELERATORS["kvm"],
        *REST[: REST.index("-kernel")],
        *REST[REST.index("-chardev") : REST.index("virtio-serial-pci") - 1],
        *FOREIGN_DISKS,
        "-device", "ide-cd,bus=ide.0,drive=cidata,serial=cidata",
        "-fw_cfg", "name=opt/com.coreos/config,file=/m/ignition.json",
        "-device", "VGA",
        *REST[REST.index("-netdev") :],
        *GENERATION,
    ]  # fmt: skip


def test_a_foreign_disk_booted_by_uefi_on_arm() -> None:
    uefi = Uefi(code="/q/code,1.fd", variables="/m/vars.fd")
    machine = replace(
        FOREIGN,
        arch="aarch64",
        machine_type="virt-11.1",
        boot=FirmwareBoot(device="cidata", uefi=uefi),
    )
    words = argv(machine)
    board = "virt-11.1,gic-version=max,memory-backend=ram,pflash0=uefi-code,pflash1=uefi-variables"
    assert words[words.index("-machine") + 1] == board
    at = words.index("-rtc") + 2
    assert words[at : at + 4] == [
        "-blockdev",
        "driver=raw,node-name=uefi-code,read-only=on,file.driver=file,file.filename=/q/code,,1.fd",
        "-blockdev",
        "driver=raw,node-name=uefi-variables,read-only=off,file.driver=file,file.filename=/m/vars.fd",
    ]
    assert "virtio-scsi-pci,id=scsi" in words
    assert "scsi-cd,bus=scsi.0,scsi-id=0,drive=cidata,serial=cidata,bootindex=0" in words
    assert "ramfb" in words
    assert "-kernel" not in words


def test_memory_may_lie_in_a_file_or_begin_as_one() -> None:
    shared = replace(MACHINE, memory_file=MemoryFile(path="/a,b", shared=True))
    own = replace(MACHINE, memory_file=MemoryFile(path="/proc/self/fd/5", shared=False))
    words = argv(shared)
    assert words[words.index("-object") + 1] == (
        "memory-backend-file,id=ram,size=2048M,mem-path=/a,,b,share=on"
    )
    words = argv(own)
    assert words[words.index("-object") + 1] == (
        "memory-backend-file,id=ram,size=2048M,mem-path=/proc/self/fd/5,share=off,readonly=on,rom=off"
    )


def test_a_machine_may_end_with_whoever_started_it() -> None:
    words = argv(replace(MACHINE, ends_with_parent=True))
    assert words[words.index("-run-with") + 1] == "exit-with-parent=on"


def test_flash_chips_may_be_qcow2() -> None:
    uefi = Uefi(code="/c", variables="/v", format="qcow2")
    words = argv(replace(FOREIGN, boot=FirmwareBoot(device="b2p-root", uefi=uefi)))
    assert len([word for word in words if word.startswith("driver=qcow2,node-name=uefi-")]) == 2


def test_a_kernel_may_come_without_an_initrd() -> None:
    words = argv(replace(MACHINE, boot=DirectBoot(kernel="/k", initrd="", command_line="x")))
    assert "-initrd" not in words


def test_two_cds_hang_on_two_places() -> None:
    disks = tuple(Disk(path=f"/{n}", serial=n, interface="cd") for n in ("a", "b"))
    words = argv(replace(FOREIGN, disks=disks))
    assert "ide-cd,bus=ide.0,drive=a,serial=a" in words
    assert "ide-cd,bus=ide.1,drive=b,serial=b" in words


def test_directories_for_the_guest_come_after_all_devices_of_b2p() -> None:
    shares = (
        Share(path="/home/me, ü", tag="b2p-mount-0"),
        Share(path="/m/nothing", tag="b2p-mount-1", read_only=True),
    )
    found = argv(replace(MACHINE, shares=shares, extra=("-x",)))
    local = "security_model=none,multidevs=remap"
    assert found[-9:] == [
        "-fsdev", f"local,id=b2p-mount-0,path=/home/me,, ü,{local}",
        "-device", "virtio-9p-pci,fsdev=b2p-mount-0,mount_tag=b2p-mount-0",
        "-fsdev", f"local,id=b2p-mount-1,path=/m/nothing,{local},readonly=on",
        "-device", "virtio-9p-pci,fsdev=b2p-mount-1,mount_tag=b2p-mount-1",
        "-x",
    ]  # fmt: skip
