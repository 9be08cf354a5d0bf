"""Disk images that run real provisioners, cloud-init or Ignition, all of one tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.image import initrd, recipe
from tests.standins import packages
from tests.standins.packages import File
from tests.standins.workshop import GUEST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standins.workshop import Workshop

PACKAGES = (
    "systemd", "systemd-sysv", "libpam-systemd", "dbus", "udev", "kmod", "util-linux", "login",
    "passwd", "bash", "dash", "coreutils", "procps", "libc-bin", "e2fsprogs", "fdisk", "sudo",
    "grep", "sed", "findutils", "gzip", "tar", "hostname", "iproute2", "less", "dpkg",
    "openssh-server", "openssh-sftp-server",
    "cloud-init", "cloud-guest-utils", "netcat-openbsd",
    "ignition", "dracut", "dracut-network", "curl", "policycoreutils", "cpio", "zstd",
    "podman", "crun", "netavark", "aardvark-dns", "catatonit", "uidmap", "nftables",
    "grub-pc-bin", "grub-efi-amd64-bin", "grub2-common", "dosfstools",
    "busybox-static", packages.KERNEL,
)  # fmt: skip

WITHOUT = (recipe.WITHOUT - {"dracut", "dpkg"}) | {"locales", "gnupg"}
DRIVERS = ("acpi", "ata", "cdrom", "dma", "firmware")
"""Of kernel/drivers, what the default image does without: disks and CDs as old guests see them."""

INITRD_MODULES = (
    "virtio_blk", "virtio_scsi", "sd_mod", "sr_mod", "isofs", "ata_piix", "ahci", "ext4",
)  # fmt: skip
"""CDs too: cloud-init looks for its seed before udev has loaded anything."""
SIZES = {
    "cloud.raw": 2 << 30,
    "ignition.raw": 2 << 30,
    "ubuntu.raw": 2 << 30,
    "fedora.raw": 2 << 30,
    "generic.raw": 2 << 30,
    "flatcar.raw": 9 << 28,
}
"""The images, in the order in which the script finds their disks."""


@dataclass(frozen=True)
class Disks:
    """Where the images lie; raw and sparse."""

    home: Path

    @property
    def cloud(self) -> Path:
        """Debian 13 with cloud-init; makes the user `debian`."""
        return self.home / "cloud.raw"

    @property
    def ignition(self) -> Path:
        """Debian 13 with Ignition, laid out as Fedora CoreOS."""
        return self.home / "ignition.raw"

    def variant(self, name: str) -> Path:
        """One of the others: that of ubuntu and fedora makes a user of that name."""
        return self.home / f"{name}.raw"


def disks(workshop: Workshop) -> Disks:
    """All images, made where they are not there yet."""
    archive = workshop.supply.archive
    wanted = packages.chosen(archive, PACKAGES, WITHOUT)
    own = [
        *packages.files_below(GUEST / "disk", "standin"),
        *packages.files_below(GUEST / "cloud", ""),
    ]
    recipe_of_ours = [(one.path, one.content.hex(), one.mode) for one in own]
    init = (GUEST / "workshop/init").read_text()
    digest = packages.digest(wanted, recipe_of_ours, init, INITRD_MODULES, DRIVERS, SIZES)

    def make(out: Path) -> None:
        work = out / "work"
        work.mkdir()
        whole = work / "tree.cpio"
        parts = packages.write_tree(
            archive,
            wanted,
            whole,
            own=lambda parts: [*own, _initrd(parts)],
            keep=packages.keep_modules(*DRIVERS),
        )
        workshop.run(parts, whole, SIZES, out)
        for left in work.iterdir():
            if left.name != "console.log":
                left.unlink()

    return Disks(workshop.kept("disks", digest, make))


def _initrd(parts: packages.Parts) -> File:
    """The cloud image's own: small, since each test waits for it."""
    content = initrd.initrd(
        busybox=parts.busybox,
        init=(GUEST / "disk/initrd-init").read_bytes(),
        modules=parts.modules,
        wanted=[name for name in INITRD_MODULES if name in parts.modules],
    )
    return File(path="standin/initrd.img", content=content)
