"""Debian's cloud images: podman is installed at first boot. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.families.engines import PODMAN
from b2p.families.model import Console, Family, Marks, NoCloud, Rolling, Source, User, frozen

if TYPE_CHECKING:
    from b2p.machine.model import Arch


def _source(architecture: str) -> Source:
    stem = (
        "https://cloud.debian.org/images/cloud/{codename}/latest"
        f"/debian-{{release}}-genericcloud-{architecture}"
    )
    return Source(
        image=f"{stem}.qcow2",
        latest=Rolling(values=frozen({"codename": "trixie", "release": "13"})),
        checksum=f"{stem}.json",
        checksum_format="debian-json",
    )


_SOURCES: dict[Arch, Source] = {"x86_64": _source("amd64"), "aarch64": _source("arm64")}

DEBIAN = Family(
    name="debian",
    title="Debian 13 (cloud image, podman installed at first boot)",
    aliases=("debian-13", "trixie"),
    sources=frozen(_SOURCES),
    medium="disk",
    firmware=frozen({"x86_64": ("bios", "uefi"), "aarch64": ("uefi",)}),
    memory_mib=512,
    data_disk=False,
    provisioner=NoCloud(package_update=True, packages=("podman",)),
    console=Console(),
    user=User(name="debian"),
    engines=(PODMAN,),
    persists=("/",),
    tried="stand-in",
    marks=Marks(os_ids=("debian",), file_name=r"debian-\d+-(generic|genericcloud|nocloud)-.*"),
)
