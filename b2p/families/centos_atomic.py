"""CentOS Atomic Host 7: docker 1.13. Data only."""

from __future__ import annotations

from dataclasses import replace

from b2p.families.engines import DOCKER_BY_SSH
from b2p.families.model import (
    Console,
    Family,
    Marks,
    NoCloud,
    Places,
    Rolling,
    Source,
    User,
    frozen,
)

_DIRECTORY = "https://cloud.centos.org/centos/7/atomic/images"

CENTOS_ATOMIC = Family(
    name="centos-atomic",
    title="CentOS Atomic Host 7 (docker 1.13)",
    aliases=("centos-atomic-host",),
    sources=frozen(
        {
            "x86_64": Source(
                image=f"{_DIRECTORY}/CentOS-Atomic-Host-7-GenericCloud.qcow2.xz",
                latest=Rolling(),
                checksum=f"{_DIRECTORY}/sha256sum.txt",
                packing="xz",
            )
        }
    ),
    medium="disk",
    firmware=frozen({"x86_64": ("bios",)}),
    data_disk=False,
    provisioner=NoCloud(),
    console=Console(),
    user=User(name="centos"),
    # CentOS 7's systemd cannot keep containers off a forwarder's port; ssh leads root there.
    engines=(replace(DOCKER_BY_SSH, root=True, ssh_user="root"),),
    places=Places(registries="", socket_proxy=""),
    persists=("/var", "/etc"),
    marks=Marks(
        os_ids=("centos",),
        variant="atomic.host",
        file_name=r"CentOS-Atomic-Host-.*",
    ),
    ended="2020",
)
