"""Fedora CoreOS: podman and docker, told by Ignition. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.families.engines import DOCKER, PODMAN
from b2p.families.model import (
    Console,
    Family,
    Ignition,
    InJson,
    Marks,
    Ready,
    Source,
    User,
    frozen,
)

if TYPE_CHECKING:
    from b2p.machine.model import Arch

_SITE = "https://builds.coreos.fedoraproject.org"
_STREAM = f"{_SITE}/streams/stable.json"


def _source(arch: Arch) -> Source:
    builds = f"{_SITE}/prod/streams/stable/builds/{{version}}/{arch}"
    image = f"{builds}/fedora-coreos-{{version}}-qemu.{arch}.qcow2.xz"
    return Source(
        image=image,
        latest=InJson(
            address=_STREAM, path=("architectures", arch, "artifacts", "qemu", "release")
        ),
        checksum=_STREAM,
        checksum_format="stream-json",
        signature=f"{image}.sig",
        key="https://fedoraproject.org/fedora.gpg",
        packing="xz",
    )


_SOURCES: dict[Arch, Source] = {"x86_64": _source("x86_64"), "aarch64": _source("aarch64")}

FEDORA_COREOS = Family(
    name="fedora-coreos",
    title="Fedora CoreOS (podman and docker)",
    aliases=("fcos", "coreos"),
    sources=frozen(_SOURCES),
    medium="disk",
    firmware=frozen({"x86_64": ("bios", "uefi"), "aarch64": ("uefi",)}),
    memory_mib=2048,
    data_disk=False,
    # The lowest version has the widest reach, and all that b2p writes is in it.
    provisioner=Ignition(
        fw_cfg="opt/com.coreos/config", versions=("3.0.0", "3.1.0", "3.2.0", "3.3.0")
    ),
    console=Console(),
    user=User(name="core"),
    ready=Ready(console=r"SSH host key: |login: ?$"),
    engines=(PODMAN, DOCKER),
    persists=("/var", "/etc"),
    tried="stand-in",
    marks=Marks(
        variant="coreos",
        partitions=("EFI-SYSTEM", "boot", "root"),
        file_name=r"fedora-coreos-.*",
    ),
)
