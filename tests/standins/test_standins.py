"""Stand-ins proven by plain QEMU lines: what b2p is tested against must work without b2p.

One boot each; the second one is seen in tests/families/real.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from b2p.report import SilentReport
from tests.boot.person import cache_home
from tests.standins import disks, foreign, isos
from tests.standins.by_hand import (
    PING,
    booted,
    format_me,
    new_key,
    sparse_copy,
    told_by_ignition,
    told_by_nocloud,
)
from tests.standins.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.standins.by_hand import Guest

pytestmark = [pytest.mark.families, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with contextlib.closing(Workshop(cache_home() / "b2p", SilentReport())) as made:
        yield made


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path)


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text().strip()


def said(guest: Guest, command: str, *, user: str = "") -> str:
    ended = guest.ssh(command, user=user)
    assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
    return ended.stdout.strip()


def test_real_cloud_init_reads_a_cidata_cd(workshop: Workshop, tmp_path: Path, key: Path) -> None:
    disk = sparse_copy(disks.disks(workshop).cloud, tmp_path / "disk.raw")
    user_data = {
        "ssh_authorized_keys": [public(key)],
        "write_files": [{"path": "/etc/told", "content": "by cloud-init\n"}],
        "package_update": True,
        "packages": ["podman"],
        # The package `locales`, which a cloud image has, is not in this one.
        "locale": False,
        "runcmd": [["systemctl", "enable", "--now", "podman.socket"]],
    }
    seed = told_by_nocloud(tmp_path, user_data, "told")
    options = ["-drive", f"file={disk},if=virtio,format=raw", *seed]
    with booted(
        workshop.host.qemu.command, options, tmp_path, key=key, user="debian", memory=1024
    ) as guest:
        print(f"cloud: ssh after {guest.await_ssh()} s", end=", ")
        status = json.loads(said(guest, "cloud-init status --wait --format json || true"))
        print(f"cloud-init {status['status']} after {guest.seconds()} s")
        print("  said:", status.get("errors"), status.get("recoverable_errors"))
        assert status["status"] == "done"
        assert status["datasource"] == "nocloud"
        assert said(guest, "hostname; cat /etc/told") == "told\nby cloud-init"
        assert said(guest, PING) == "OK"
        assert said(guest, "systemctl is-enabled podman.socket") == "enabled"
        print("  units failed:", said(guest, "systemctl --failed --plain --no-legend"))
        print(f"cloud: off after {guest.power_button()} s")


def test_real_ignition_reads_fw_cfg(workshop: Workshop, tmp_path: Path, key: Path) -> None:
    disk = sparse_copy(disks.disks(workshop).ignition, tmp_path / "disk.raw")
    config = {
        "ignition": {"version": "3.3.0"},
        "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": [public(key)]}]},
        "storage": {
            "files": [{"path": "/etc/hostname", "mode": 420, "contents": {"source": "data:,told"}}]
        },
        "systemd": {"units": [{"name": "podman.socket", "enabled": True}]},
    }
    options = [
        *("-drive", f"file={disk},if=virtio,format=raw"),
        *told_by_ignition(tmp_path, config),
    ]
    with booted(
        workshop.host.qemu.command, options, tmp_path, key=key, user="core", memory=1024
    ) as guest:
        print(f"ignition: ssh after {guest.await_ssh()} s")
        assert said(guest, "hostname") == "told"
        assert said(guest, PING) == "OK"
        told = said(guest, "cat /proc/cmdline")
        assert "ignition.firstboot" in told.split()
        assert said(guest, "systemctl is-enabled podman.socket") == "enabled"
        print("  units failed:", said(guest, "systemctl --failed --plain --no-legend"))
        print("  stamp:", said(guest, "ls /boot"))
        print(f"ignition: off after {guest.power_button()} s")


@pytest.mark.parametrize("style", [isos.TINYCORE, isos.BOOT2DOCKER], ids=lambda style: style.name)
def test_a_format_me_disk_brings_the_key(
    workshop: Workshop, tmp_path: Path, key: Path, style: isos.Style
) -> None:
    disc = isos.iso(workshop, style)
    disk = tmp_path / "data.raw"
    format_me(f"{style.name}, please format-me", public(key), disk, size=4 << 30)
    options = ["-boot", "d", "-cdrom", str(disc), "-drive", f"file={disk},if=virtio,format=raw"]
    with booted(
        workshop.host.qemu.command, options, tmp_path, key=key, user=style.user, memory=768
    ) as guest:
        print(f"{style.name}: ssh after {guest.await_ssh()} s")
        assert said(guest, "sudo -n mount | grep -c ' /mnt/vda1 '") == "1"
        assert said(guest, f"sudo -n findfs LABEL={style.name}-data") == "/dev/vda1"
        if style is isos.TINYCORE:
            check_varlink(guest)
            assert guest.serial == ""
        else:
            check_docker(guest)
            guest.await_serial("~ $ ")
        print(f"{style.name}: off after {guest.power_button()} s")


def await_socket(guest: Guest, test: str) -> None:
    ready = f"for i in $(seq 60); do {test} && exit 0; sleep 1; done; exit 1"
    assert guest.ssh(ready, timeout=90).returncode == 0


def check_varlink(guest: Guest) -> None:
    await_socket(guest, "sudo -n test -S /run/podman/io.podman")
    assert said(guest, "sudo -n stat -c %a /run/podman") == "700"
    socket = "unix:/run/podman/io.podman"
    told = said(guest, f"sudo -n varlink call {socket}/io.podman.ListContainers")
    print(f"  varlink answered after {guest.seconds()} s: {told}")
    assert "error" not in told
    said(guest, "sudo -n podman volume create kept")
    assert "kept" in said(guest, "sudo -n podman volume ls -q")
    bridge = "sudo -n varlink -A 'podman varlink $VARLINK_ADDRESS' info | head -n 3"
    print("  bridge:", said(guest, bridge).splitlines())
    assert said(guest, "id -un", user="root") == "root"


def check_docker(guest: Guest) -> None:
    await_socket(guest, "test -w /var/run/docker.sock")
    ask = (
        'python3 -c "import socket; s = socket.socket(socket.AF_UNIX); '
        "s.connect('/var/run/docker.sock'); s.sendall(b'GET /_ping HTTP/1.0\\r\\n\\r\\n'); "
        'print(s.makefile().read()[-2:])"'
    )
    assert said(guest, ask) == "OK"


def test_images_of_others_speak_on_the_serial_port(
    workshop: Workshop, tmp_path: Path, key: Path
) -> None:
    others = foreign.foreign(workshop)
    kernel, initrd = others.installer
    # What the BIOS would draw on a screen goes to the serial port.
    bios = ["-machine", "pc,graphics=off"]
    direct = ["-kernel", str(kernel), "-initrd", str(initrd), "-append", "console=ttyS0"]
    for name, options, word in (
        ("ipxe", [*bios, "-cdrom", str(others.ipxe)], "iPXE initialising"),
        ("grub", [*bios, "-cdrom", str(others.grub_rescue)], "GNU GRUB"),
        ("installer", direct, "Linux version"),
    ):
        with booted(
            workshop.host.qemu.command, options, tmp_path, key=key, user="nobody", memory=512
        ) as guest:
            print(f"{name}: {word!r} after {guest.await_serial(word)} s")
