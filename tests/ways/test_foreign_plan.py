"""What QEMU is asked to be for images of other families."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import families
from b2p.errors import HostError, UsageError
from b2p.formats.bootmenu import Choice
from b2p.image.medium import Evidence
from b2p.machine.architecture import kernel_words
from b2p.machine.argv import argv
from b2p.machine.model import DirectBoot, FirmwareBoot, Machine, Sockets, Uefi
from b2p.machine.plan import Places, Wishes
from b2p.ways.foreign.plan import Files, kernel_of, plan
from tests.fakes_story import HOST

if TYPE_CHECKING:
    from b2p.families.model import Family

WISHES = Wishes(name="old", uuid="u", cpus=2, memory_mib=2048)
FILES = Files(
    image="/c/image",
    boot="/m/boot",
    system_disk="/m/system.qcow2",
    data_disk="/m/data.raw",
    seed="/m/cidata.iso",
    ignition="/m/config.ign",
)
PLACES = Places(
    data_disk="/m/data.raw",
    console_log="/m/console.log",
    podman="/r/podman.sock",
    varlink="/r/varlink.sock",
    call_script="/r/call",
    sockets=Sockets(qmp="/r/q", calls="/r/c", console="/r/s", control=""),
    nothing="/m/nothing",
)
TINY = Evidence(
    kind="iso",
    file_name="boot2podman.iso",
    label="Boot2Podman-v0.27",
    files=("/boot/boot2podman.gz", "/boot/corepure64.gz", "/boot/vmlinuz64"),
)
DISK = Evidence(kind="qcow2", file_name="disk.qcow2", size=1 << 30)


def planned(name: str, found: Evidence, *, uefi: Uefi | None = None, **wishes: Any) -> Machine:
    family = families.by_name(name)
    wished = replace(WISHES, **wishes)
    kernel = kernel_of(family, found, HOST)
    return plan(wished, HOST, family, found, kernel=kernel, files=FILES, places=PLACES, uefi=uefi)


def test_an_iso_is_booted_past_its_loader_with_a_serial_console() -> None:
    machine = planned("boot2podman", TINY)
    assert isinstance(machine.boot, DirectBoot)
    assert "console=ttyS0" in machine.boot.command_line.split()
    assert [disk.serial for disk in machine.disks] == ["b2p-data", "b2p-medium"]
    assert machine.disks[1].interface == "cd"
    assert machine.screen, "for a picture, should the guest be silent"


def test_initrds_keep_the_order_of_the_record() -> None:
    kernel = kernel_of(families.by_name("boot2podman"), TINY, HOST)
    assert kernel is not None
    assert kernel.initrds == ("/boot/corepure64.gz", "/boot/boot2podman.gz")


def test_an_image_that_b2p_exported_gets_the_words_of_its_own_machines() -> None:
    paths = ("/boot/kernel", "/boot/initrd", "/boot/system", "/boot/b2p.json")
    found = replace(TINY, file_name="x.iso", label="B2P_0123456789AB", files=paths)
    machine = planned("b2p-iso", found)
    assert isinstance(machine.boot, DirectBoot)
    # Above all not the word for a machine that no b2p booted.
    assert machine.boot.command_line == kernel_words("x86_64", HOST.accelerator)
    assert [disk.serial for disk in machine.disks] == ["b2p-data", "b2p-seed"]
    assert not machine.screen


def test_an_iso_of_the_family_without_its_kernel_is_refused() -> None:
    with pytest.raises(UsageError, match="has no 'boot/vmlinuz64'"):
        planned("boot2podman", replace(TINY, files=("/readme.txt",)))


def test_a_disk_is_never_written_to_but_lies_beneath_an_overlay() -> None:
    machine = planned("fedora-coreos", DISK)
    assert machine.boot == FirmwareBoot(device="b2p-system")
    (system,) = machine.disks
    assert system.path == "/m/system.qcow2"
    assert system.base is not None
    assert (system.base.path, system.base.format) == ("/c/image", "qcow2")
    assert ("opt/com.coreos/config", "/m/config.ign") in [
        (entry.name, entry.path) for entry in machine.firmware_entries
    ]


def test_cloud_init_gets_its_seed_as_a_disk_that_it_cannot_write() -> None:
    seed = planned("debian", DISK).disks[1]
    assert (seed.path, seed.read_only) == ("/m/cidata.iso", True)


def test_a_guest_without_b2ps_agent_gets_no_port_for_it() -> None:
    assert not any("virtserialport" in word for word in argv(planned("debian", DISK)))


def test_the_hosts_sockets_lead_to_the_same_ports_as_ever() -> None:
    forwards = {one.path: one.guest_port for one in planned("debian", DISK).unix_forwards}
    assert forwards == {"/r/podman.sock": 2375, "/r/varlink.sock": 2377}
    without = planned("debian", DISK, varlink="off").unix_forwards
    assert [one.path for one in without] == ["/r/podman.sock"]


def test_too_little_memory_for_the_family_is_told_with_what_it_needs() -> None:
    with pytest.raises(UsageError, match="needs 2048 MiB"):
        planned("fedora-coreos", DISK, memory_mib=1024)


def test_a_qemu_without_unix_forwards_is_refused() -> None:
    host = replace(HOST, qemu=replace(HOST.qemu, unix_forward=False))
    family = families.by_name("debian")
    with pytest.raises(HostError, match="cannot forward unix sockets"):
        plan(WISHES, host, family, DISK, kernel=None, files=FILES, places=PLACES, uefi=None)


def test_an_iso_that_nobody_knows_boots_by_its_own_menu_on_the_serial_console() -> None:
    choice = Choice(label="x", kernel="/k", initrds=("/i",), command_line="quiet")
    found = replace(TINY, files=("/k", "/i"), choice=choice)
    machine = planned("generic-iso", found)
    assert isinstance(machine.boot, DirectBoot)
    assert machine.boot.command_line == "quiet console=ttyS0"


def test_an_iso_without_a_linux_in_its_menu_boots_by_its_loader_and_has_a_screen() -> None:
    machine = planned("generic-iso", replace(TINY, files=("/x",)))
    assert machine.boot == FirmwareBoot(device="b2p-medium")
    assert machine.screen


@pytest.mark.parametrize("family", families.ALL, ids=lambda family: family.name)
def test_every_family_can_be_planned(family: Family) -> None:
    boot = family.boot
    files: tuple[str, ...] = ("/isolinux/isolinux.bin",)
    for paths in (getattr(boot, "kernels", ()), *getattr(boot, "initrds", ())):
        files += tuple(f"/{path}" for path in paths)
    found = replace(TINY if family.medium == "iso" else DISK, files=files)
    words = argv(planned(family.name, found))
    assert "-nodefaults" in words
