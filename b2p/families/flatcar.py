"""Flatcar Container Linux: docker, told by Ignition. Data only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from b2p.families.engines import DOCKER, PODMAN
from b2p.families.model import (
    Console,
    Family,
    Ignition,
    InText,
    Marks,
    Places,
    Source,
    User,
    frozen,
)

if TYPE_CHECKING:
    from b2p.machine.model import Arch


def _source(board: str) -> Source:
    site = f"https://stable.release.flatcar-linux.net/{board}"
    image = f"{site}/{{version}}/flatcar_production_qemu_image.img"
    return Source(
        image=image,
        latest=InText(
            address=f"{site}/current/version.txt",
            pattern=r"(?m)^FLATCAR_VERSION_ID=(?P<version>[0-9.]+)$",
        ),
        checksum=f"{image}.DIGESTS",
        checksum_format="digests",
        signature=f"{image}.sig",
        key="https://www.flatcar.org/security/image-signing-key/Flatcar_Image_Signing_Key.asc",
        key_id="E25D9AED0593B34A",
        mirrors=(f"{site}/current/flatcar_production_qemu_image.img",),
    )


_SOURCES: dict[Arch, Source] = {"x86_64": _source("amd64-usr"), "aarch64": _source("arm64-usr")}

_IGNITION = Ignition(
    fw_cfg="opt/org.flatcar-linux/config",
    other_fw_cfg=("opt/com.coreos/config",),
    versions=("3.0.0", "3.1.0", "3.2.0", "3.3.0", "2.0.0", "2.1.0", "2.2.0", "2.3.0"),
)

FLATCAR = Family(
    name="flatcar",
    title="Flatcar Container Linux (docker)",
    aliases=("flatcar-linux",),
    sources=frozen(_SOURCES),
    medium="disk",
    firmware=frozen({"x86_64": ("bios", "uefi"), "aarch64": ("uefi",)}),
    memory_mib=1024,
    data_disk=False,
    provisioner=_IGNITION,
    console=Console(login="core", autologin=True),
    user=User(name="core", uid=500),
    engines=(DOCKER,),
    places=Places(registries="/etc/docker/daemon.json", registries_format="docker"),
    persists=("/var", "/etc", "/home"),
    tried="stand-in",
    marks=Marks(
        os_ids=("flatcar",),
        partitions=("EFI-SYSTEM", "USR-A", "USR-B", "OEM", "ROOT"),
        partition_files=("flatcar/vmlinuz-a",),
        file_name=r"flatcar_production_.*",
    ),
    notes="Docker's API; flatcar-podman is the same with podman",
)

# The same image: what is not said here is as it is there.
FLATCAR_PODMAN = replace(
    FLATCAR,
    name="flatcar-podman",
    title="Flatcar Container Linux (podman and docker)",
    aliases=(),
    provisioner=replace(_IGNITION, files=(("/etc/flatcar/enabled-sysext.conf", "podman\n"),)),
    engines=(PODMAN, DOCKER),
    places=Places(),
    marks=Marks(),
    tried="never",
    notes="its first boot fetches podman, as an extension of Flatcar's; from release 3941 on",
)
