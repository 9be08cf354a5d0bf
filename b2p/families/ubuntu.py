"""Ubuntu's cloud images: podman is installed at first boot. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.families.engines import PODMAN
from b2p.families.model import Console, Family, Marks, NoCloud, Rolling, Source, User, frozen

if TYPE_CHECKING:
    from b2p.machine.model import Arch


def _source(architecture: str) -> Source:
    directory = "https://cloud-images.ubuntu.com/releases/{release}/release"
    return Source(
        image=f"{directory}/ubuntu-{{release}}-server-cloudimg-{architecture}.img",
        latest=Rolling(values=frozen({"release": "24.04"})),
        checksum=f"{directory}/SHA256SUMS",
        checksum_signature=f"{directory}/SHA256SUMS.gpg",
    )


_SOURCES: dict[Arch, Source] = {"x86_64": _source("amd64"), "aarch64": _source("arm64")}

UBUNTU = Family(
    name="ubuntu",
    title="Ubuntu 24.04 (cloud image, podman installed at first boot)",
    aliases=("ubuntu-24.04", "noble"),
    sources=frozen(_SOURCES),
    medium="disk",
    firmware=frozen({"x86_64": ("bios", "uefi"), "aarch64": ("uefi",)}),
    memory_mib=1024,
    data_disk=False,
    provisioner=NoCloud(package_update=True, packages=("podman",)),
    console=Console(),
    user=User(name="ubuntu"),
    engines=(PODMAN,),
    persists=("/",),
    tried="stand-in",
    marks=Marks(
        os_ids=("ubuntu",),
        partitions=("cloudimg-rootfs",),
        file_name=r"(ubuntu-.*|[a-z]+-)server-cloudimg-.*",
    ),
)
