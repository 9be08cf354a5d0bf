"""CoreOS Container Linux, until 2020: docker, told by Ignition of the second kind. Data only."""

from __future__ import annotations

from b2p.families.engines import DOCKER
from b2p.families.model import (
    Console,
    Family,
    Ignition,
    Marks,
    Places,
    Rolling,
    Source,
    User,
    frozen,
)

_IMAGE = "https://stable.release.core-os.net/amd64-usr/current/coreos_production_qemu_image.img.bz2"

CONTAINER_LINUX = Family(
    name="container-linux",
    title="CoreOS Container Linux (docker)",
    aliases=("coreos-container-linux",),
    sources=frozen(
        {
            "x86_64": Source(
                image=_IMAGE,
                latest=Rolling(),
                checksum=f"{_IMAGE}.DIGESTS",
                checksum_format="digests",
                signature=f"{_IMAGE}.sig",
                key_id="50E0885593D2DCB4",
                packing="bz2",
            )
        }
    ),
    medium="disk",
    firmware=frozen({"x86_64": ("bios", "uefi")}),
    data_disk=False,
    provisioner=Ignition(
        fw_cfg="opt/com.coreos/config", versions=("2.0.0", "2.1.0", "2.2.0", "2.3.0")
    ),
    console=Console(),
    user=User(name="core", uid=500),
    engines=(DOCKER,),
    places=Places(registries="/etc/docker/daemon.json", registries_format="docker"),
    persists=("/var", "/etc", "/home"),
    marks=Marks(
        os_ids=("coreos",),
        partitions=("EFI-SYSTEM", "USR-A", "USR-B", "OEM", "ROOT"),
        partition_files=("coreos/vmlinuz-a",),
        file_name=r"coreos_production_.*",
    ),
    ended="May 2020",
    notes="its publisher's servers are gone: bring the image, or a mirror (B2P_IMAGE_MIRROR)",
)
