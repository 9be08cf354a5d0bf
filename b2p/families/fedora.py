"""Fedora's cloud base images: podman is installed at first boot. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.families.engines import PODMAN
from b2p.families.model import Console, Family, InText, Marks, NoCloud, Source, User, frozen

if TYPE_CHECKING:
    from b2p.machine.model import Arch


def _source(arch: Arch) -> Source:
    directory = (
        "https://download.fedoraproject.org/pub/fedora/linux/releases"
        f"/{{version}}/Cloud/{arch}/images"
    )
    return Source(
        image=f"{directory}/Fedora-Cloud-Base-Generic-{{version}}-{{build}}.{arch}.qcow2",
        latest=InText(
            address="https://dl.fedoraproject.org/pub/fedora/imagelist-fedora",
            pattern=(
                rf"/releases/(?P<version>\d+)/Cloud/{arch}/images"
                rf"/Fedora-Cloud-Base-Generic-(?P=version)-(?P<build>[\d.]+)\.{arch}\.qcow2"
            ),
        ),
        checksum=f"{directory}/Fedora-Cloud-{{version}}-{{build}}-{arch}-CHECKSUM",
        checksum_signature="inline",
        key="https://fedoraproject.org/fedora.gpg",
        known=frozen({"version": "43", "build": "1.6"}),
    )


_SOURCES: dict[Arch, Source] = {"x86_64": _source("x86_64"), "aarch64": _source("aarch64")}

FEDORA = Family(
    name="fedora",
    title="Fedora Cloud Base (podman installed at first boot)",
    aliases=("fedora-cloud",),
    sources=frozen(_SOURCES),
    medium="disk",
    firmware=frozen({"x86_64": ("bios", "uefi"), "aarch64": ("uefi",)}),
    memory_mib=1024,
    data_disk=False,
    provisioner=NoCloud(packages=("podman",)),
    console=Console(),
    user=User(name="fedora"),
    engines=(PODMAN,),
    persists=("/",),
    tried="stand-in",
    marks=Marks(
        os_ids=("fedora",),
        variant="cloud",
        file_name=r"Fedora-Cloud-Base-.*",
    ),
)
