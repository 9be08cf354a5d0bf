"""b2p's own image, exported: it boots as a machine of b2p's, and by anybody's QEMU.

As a CD under a BIOS, as a stick under UEFI, as a disk; told by a format-me disk and by a seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.client import api
from b2p.report import SilentReport
from scripts.lib.varlink_wire import Wire
from tests.boot.person import PATIENCE, cache_home
from tests.standins import by_hand
from tests.standins.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person
    from tests.standins.by_hand import Guest

pytestmark = [pytest.mark.families, pytest.mark.timeout(1800)]

MEMORY = 1536
SIZE = 4 << 30
PING = (
    "sudo -n python3 -c 'import socket; s = socket.socket(socket.AF_UNIX);"
    ' s.connect("/run/podman/podman.sock"); s.sendall(b"GET /_ping HTTP/1.0\\r\\n\\r\\n");'
    " print(s.makefile().read()[-2:])'"
)
"""What says OK in a guest whose engine answers."""
USER_DATA = """\
#cloud-config
hostname: told
users:
  - default
  - name: ann
    sudo: ALL=(ALL) NOPASSWD:ALL
    ssh_authorized_keys: [KEY]
runcmd:
  - echo told > /run/said
"""


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    made = Workshop(cache_home() / "b2p", SilentReport())
    yield made
    made.close()


@pytest.fixture(scope="module")
def iso(person: Person) -> Path:
    """The ISO, as a person exports it."""
    return exported(person, "iso")


def exported(person: Person, form: str) -> Path:
    words = ["image", "export", "--format", form, "-o", f"x.{form}", "--force"]
    if person.b2p(*words, status=None).status:
        person.b2p("image", "build")
        person.b2p(*words)
    return person.home / f"x.{form}"


def engine_answers(person: Person, name: str) -> None:
    """podman's REST, and varlink of 2018."""
    (socket,) = (person.home / ".b2p").glob("*/podman.sock")
    assert api.await_ping(socket, timeout=PATIENCE)
    text = person.b2p("env", name, "--varlink", "--shell", "sh").out
    with Wire(text.partition("=")[2].strip().rstrip(";").strip("'")) as wire:
        assert wire("GetVersion")["os_arch"] == "linux/amd64"


@pytest.mark.quick
def test_up_boots_the_iso_and_both_apis_answer(person: Person, iso: Path) -> None:
    try:
        person.b2p("up", "iso", "--image", str(iso), "--memory", "2GiB", "--timeout", "900")
        facts = person.facts("iso")
        assert facts["decided"]["family"] == "b2p-iso"
        engine_answers(person, "iso")
        assert person.b2p("ssh", "iso", "--", "id -un; cat /etc/hostname").out == "core\niso\n"
        person.b2p("ssh", "iso", "--", "echo kept > mark; sync")
        person.b2p("down", "iso")
        assert person.qemu("iso") is None
        person.b2p("up", "iso", "--timeout", "900")
        assert person.b2p("ssh", "iso", "--", "cat mark").out == "kept\n"
    finally:
        person.b2p("rm", "-f", "iso", status=None)
    assert person.traces("iso") == [iso]


def test_the_disk_boots_and_its_partition_grows_with_it(person: Person) -> None:
    image = exported(person, "qcow2")
    words = ["--memory", "2GiB", "--disk", "40GiB", "--timeout", "900"]
    try:
        person.b2p("up", "disk", "--image", str(image), *words)
        assert person.facts("disk")["decided"]["family"] == "b2p-disk"
        engine_answers(person, "disk")
        size = person.b2p("ssh", "disk", "--", "df --output=size -B1G /data | tail -1").out
        assert int(size) > 35
        person.b2p("down", "disk")
    finally:
        person.b2p("rm", "-f", "disk", status=None)


def test_anybodys_qemu_boots_it_from_a_cd_then_from_a_stick(
    workshop: Workshop, iso: Path, tmp_path: Path
) -> None:
    """The data disk that it took goes with it from the one computer to the other."""
    key = by_hand.new_key(tmp_path)
    public = key.with_suffix(".pub").read_text().strip()
    by_hand.format_me("boot2podman, please format-me", public, tmp_path / "data.raw", size=SIZE)
    seed = {"user-data": USER_DATA.replace("KEY", public), "meta-data": "instance-id: one\n"}
    by_hand.seed_iso(seed, tmp_path / "seed.iso")
    with by_hand.booted(
        workshop.host.qemu.command,
        [
            *("-machine", workshop.host.qemu.machine_type, "-boot", "d"),
            *drive("cd", iso, "ide-cd,bus=ide.0", "readonly=on"),
            *drive("seed", tmp_path / "seed.iso", "ide-cd,bus=ide.1", "readonly=on"),
            *drive("data", tmp_path / "data.raw", "virtio-blk-pci"),
        ],
        tmp_path, key=key, user="core", memory=MEMORY,
    ) as guest:  # fmt: skip
        first = is_up(guest)
        assert guest.ssh("sudo -n id -u", user="ann").stdout == "0\n"
        assert guest.ssh("cat /etc/hostname /run/said").stdout == "told\ntold\n"
        assert "ssh core@10.0.2.15" in guest.serial
        guest.power_button()
    firmware = workshop.supply.uefi()
    variables = by_hand.sparse_copy(firmware.variables, tmp_path / "variables.fd")
    stick = by_hand.sparse_copy(iso, tmp_path / "stick.img")
    with by_hand.booted(
        workshop.host.qemu.command,
        [
            *("-machine", f"{workshop.host.qemu.machine_type},smm=off", "-device", "qemu-xhci"),
            *("-drive", f"if=pflash,format=raw,readonly=on,file={firmware.code}"),
            *("-drive", f"if=pflash,format=raw,file={variables}"),
            *drive("stick", stick, "usb-storage,bootindex=0"),
            *drive("data", tmp_path / "data.raw", "ide-hd,bus=ide.0"),
        ],
        tmp_path, key=key, user="core", memory=MEMORY,
    ) as guest:  # fmt: skip
        assert is_up(guest) == first, "another machine than before, by the same disk"
        assert guest.ssh("ls -d /sys/firmware/efi").returncode == 0
        assert guest.ssh("sudo -n podman container ls --all --format '{{.Names}}'").stdout == ""
        guest.power_button()


def drive(name: str, path: Path, device: str, *more: str) -> list[str]:
    options = ",".join(["if=none", f"id={name}", "format=raw", f"file={path}", *more])
    kind, *rest = device.split(",")
    return ["-drive", options, "-device", ",".join([kind, f"drive={name}", *rest])]


def is_up(guest: Guest) -> str:
    """Its engine answers over ssh alone; returns which machine it is."""
    guest.await_ssh()
    assert guest.ssh(PING, timeout=PATIENCE).stdout.strip() == "OK"
    listening = guest.ssh("ss -Htln", timeout=PATIENCE).stdout
    assert {line.split()[3].rpartition(":")[2] for line in listening.splitlines()} == {"22"}
    return guest.ssh("cat /etc/machine-id").stdout
