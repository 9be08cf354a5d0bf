"""minishift's two ISOs: a live CentOS 7, and boot2docker with Docker 1.12. Data only."""

from __future__ import annotations

from dataclasses import replace

from b2p.families.boot2docker import BOOT, BOOT2DOCKER
from b2p.families.engines import DOCKER_BY_SSH
from b2p.families.live_cd import LIVE_CD
from b2p.families.model import (
    Console,
    Family,
    Marks,
    Pinned,
    Places,
    Ready,
    Source,
    User,
    UserdataDisk,
    frozen,
)

_MAGIC = "boot2docker, please format-me"


def _source(project: str, version: str) -> Source:
    site = f"https://github.com/minishift/{project}-iso/releases/download"
    image = f"{site}/{{version}}/{project.replace('-centos', '-centos7')}.iso"
    return Source(
        image=image,
        latest=Pinned(values=frozen({"version": version})),
        checksum=f"{image}.sha256",
        checksum_format="bare",
    )


MINISHIFT_CENTOS7 = Family(
    name="minishift-centos7",
    title="minishift (live CentOS 7, Docker)",
    aliases=("minishift", "minishift-centos"),
    sources=frozen({"x86_64": _source("minishift-centos", "v1.17.0")}),
    medium="iso",
    boot=LIVE_CD,
    firmware=frozen({"x86_64": ("bios",)}),
    data_disk=True,
    provisioner=UserdataDisk(
        magic=_MAGIC,
        disk_names=("sda", "vda", "xvda", "hda"),
        filesystem="xfs",
        data_label="b2d-data",
    ),
    console=Console(kernel_words="console=tty0 console={serial}", login="root", password="centos"),
    user=User(name="docker"),
    ready=Ready(command="sudo test -S /var/run/docker.sock"),
    engines=(DOCKER_BY_SSH,),
    # CentOS 7's systemd cannot keep containers off a forwarder's port, so there is none.
    places=Places(registries="", socket_proxy=""),
    persists=(
        "/var/lib/docker",
        "/var/lib/boot2docker",
        "/opt",
        "/etc/docker",
        "/var/lib/minishift",
        "/var/lib/origin",
    ),
    marks=Marks(
        volume_label=r"minishift-centos7.*",
        os_ids=("centos",),
        variant="minishift",
        file_name=r"minishift-centos7?.*\.iso",
    ),
    ended="2020",
    notes="Docker's API only: podman's client cannot talk to it",
)

# A remix of boot2docker's: what is not said here is as it is there.
MINISHIFT_B2D = replace(
    BOOT2DOCKER,
    name="minishift-b2d",
    title="minishift (boot2docker, Docker 1.12)",
    sources=frozen({"x86_64": _source("minishift-b2d", "v1.2.0")}),
    tried="never",
    boot=replace(BOOT, kernels=("boot/vmlinuz64", "boot/vmlinuz")),
    marks=Marks(
        volume_label=r"b2d-v1\.12.*|minishift-b2d.*",
        os_ids=("boot2docker",),
        variant="minishift-b2d",
        file_name=r"minishift-b2d.*\.iso",
    ),
    ended="2018",
    notes="Docker 1.12's API only: podman's client cannot talk to it",
)
