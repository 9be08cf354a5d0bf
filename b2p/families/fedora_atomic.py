"""Fedora Atomic Host, until 29: docker 1.13 and podman 1.x. Data only."""

from __future__ import annotations

from dataclasses import replace

from b2p.families.engines import DOCKER, VARLINK_UNIT
from b2p.families.model import Console, Family, Marks, NoCloud, Pinned, Source, User, frozen

_DIRECTORY = (
    "https://dl.fedoraproject.org/pub/alt/atomic/stable"
    "/Fedora-Atomic-{version}/AtomicHost/x86_64/images"
)

FEDORA_ATOMIC = Family(
    name="fedora-atomic",
    title="Fedora Atomic Host 29 (podman 1.x and docker 1.13)",
    aliases=("atomic", "fedora-atomic-host"),
    sources=frozen(
        {
            "x86_64": Source(
                image=f"{_DIRECTORY}/Fedora-AtomicHost-{{version}}.x86_64.qcow2",
                latest=Pinned(values=frozen({"version": "29-20181025.1"})),
                checksum=f"{_DIRECTORY}/Fedora-AtomicHost-{{version}}-x86_64-CHECKSUM",
                checksum_signature="inline",
                key="https://fedoraproject.org/fedora.gpg",
            )
        }
    ),
    medium="disk",
    firmware=frozen({"x86_64": ("bios",)}),
    data_disk=False,
    provisioner=NoCloud(),
    console=Console(),
    user=User(name="fedora"),
    # Its docker is a service that always runs.
    engines=(VARLINK_UNIT, replace(DOCKER, unit="")),
    persists=("/var", "/etc"),
    marks=Marks(
        os_ids=("fedora",),
        variant="atomic.host",
        partitions=("atomicos-root",),
        file_name=r"Fedora-Atomic(Host)?-.*",
    ),
    ended="November 2019",
)
