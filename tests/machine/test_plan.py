"""All decisions about a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from b2p.errors import HostError, UsageError
from b2p.machine.model import DirectBoot, Disk, Sockets, UnixForward
from b2p.machine.plan import ImageFiles, Places, Wishes, check_memory, plan
from b2p.machine.share import SLOTS, parsed
from tests.fakes_story import HOST

WISHES = Wishes(
    name="web", uuid="6b32502b-1c54-4c5c-9d3a-08d7a0f1f001", cpus=3, memory_mib=1024, extra=("-x",)
)
IMAGE = ImageFiles(kernel="/i/kernel", initrd="/i/initrd", root="/i/root")
PLACES = Places(
    data_disk="/m/data.raw",
    console_log="/m/console.log",
    sockets=Sockets(qmp="/r/q", calls="/r/c", console="/r/o", control="/r/t"),
    podman="/r/podman.sock",
    varlink="/r/varlink.sock",
    call_script="/r/call",
    nothing="/m/nothing",
)


def test_a_machine_is_what_was_wished_on_this_computer() -> None:
    machine = plan(WISHES, HOST, IMAGE, PLACES)
    assert (machine.name, machine.uuid) == (WISHES.name, WISHES.uuid)
    assert (machine.cpus, machine.memory_mib, machine.extra) == (3, 1024, ("-x",))
    assert (machine.arch, machine.machine_type) == ("x86_64", "pc-q35-11.1")
    assert (machine.accelerator, machine.sandbox) == ("kvm", True)
    assert (machine.sockets, machine.console_log) == (PLACES.sockets, PLACES.console_log)


def test_the_system_is_read_only_and_what_lasts_is_not() -> None:
    machine = plan(WISHES, HOST, IMAGE, PLACES)
    assert machine.disks == (
        Disk(path="/i/root", serial="b2p-root", read_only=True),
        Disk(path="/m/data.raw", serial="b2p-data"),
    )


def test_engine_and_varlink_are_reached_by_sockets_and_nothing_by_tcp() -> None:
    machine = plan(WISHES, HOST, IMAGE, PLACES)
    assert machine.unix_forwards == (
        UnixForward(path="/r/podman.sock", guest_port=2375),
        UnixForward(path="/r/varlink.sock", guest_port=2377),
    )
    assert machine.tcp_forwards == ()


def test_cores_engine_has_a_socket_where_there_is_one() -> None:
    machine = plan(WISHES, HOST, IMAGE, replace(PLACES, podman_core="/r/core.sock"))
    assert UnixForward(path="/r/core.sock", guest_port=2376) in machine.unix_forwards


@pytest.mark.parametrize("wish", ["tcp", "off"])
def test_varlink_has_no_socket_where_it_is_not_wanted(wish: str) -> None:
    machine = plan(replace(WISHES, varlink=wish), HOST, IMAGE, PLACES)
    assert [forward.guest_port for forward in machine.unix_forwards] == [2375]


def test_host_calls_can_be_done_without() -> None:
    assert plan(WISHES, HOST, IMAGE, PLACES).call_script == "/r/call"
    assert plan(replace(WISHES, host_calls=False), HOST, IMAGE, PLACES).call_script == ""


def test_the_kernel_is_told_nothing_of_this_machine_alone() -> None:
    boot = plan(WISHES, HOST, IMAGE, PLACES).boot
    assert isinstance(boot, DirectBoot)
    assert "systemd.unit=b2p.target" in boot.command_line.split()
    other = plan(replace(WISHES, name="other", uuid="0"), HOST, IMAGE, PLACES).boot
    assert other == boot


def test_a_qemu_without_unix_forwards_is_refused_with_a_way_out() -> None:
    host = replace(HOST, qemu=replace(HOST.qemu, unix_forward=False, version=(7, 2, 1)))
    with pytest.raises(HostError, match=r"7\.2\.1") as caught:
        plan(WISHES, host, IMAGE, PLACES)
    assert "--qemu managed" in caught.value.hint


@pytest.mark.parametrize("memory", [512, 8192])
def test_the_edges_of_memory_are_within(memory: int) -> None:
    assert plan(replace(WISHES, memory_mib=memory), HOST, IMAGE, PLACES).memory_mib == memory


@pytest.mark.parametrize(
    ("memory", "why", "remedy"),
    [(511, "too little", "512MiB"), (8193, "this computer has 8192", "b2p up web --memory 2GiB")],
)
def test_memory_beyond_them_is_refused(memory: int, why: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        plan(replace(WISHES, memory_mib=memory), HOST, IMAGE, PLACES)
    assert remedy in caught.value.hint
    with pytest.raises(UsageError, match=why):
        check_memory("web", memory, 8192)


def test_all_machines_have_as_many_slots_for_mounts_as_most_need() -> None:
    mounts = (parsed("/home/me"), parsed("/src:/s:ro"))
    shares = plan(replace(WISHES, mounts=mounts), HOST, IMAGE, PLACES).shares
    assert [(one.path, one.read_only) for one in shares[:2]] == [
        ("/home/me", False),
        ("/src", True),
    ]
    assert {(one.path, one.read_only) for one in shares[2:]} == {("/m/nothing", True)}
    without = plan(WISHES, HOST, IMAGE, PLACES).shares
    assert [one.tag for one in without] == [one.tag for one in shares]
    gone = plan(replace(WISHES, mounts=mounts, mount_slots=SLOTS + 1), HOST, IMAGE, PLACES).shares
    assert len(gone) == SLOTS + 1
    many = tuple(parsed(f"/m{number}") for number in range(SLOTS + 2))
    assert len(plan(replace(WISHES, mounts=many), HOST, IMAGE, PLACES).shares) == SLOTS + 2
