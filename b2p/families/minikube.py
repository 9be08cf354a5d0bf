"""minikube's ISO: Buildroot with docker, containerd, CRI-O and podman 3.4. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.families.engines import DOCKER_BY_SSH
from b2p.families.model import (
    Console,
    Engine,
    Family,
    KernelInside,
    Marks,
    Pinned,
    Places,
    Ready,
    Source,
    User,
    UserdataDisk,
    frozen,
)

if TYPE_CHECKING:
    from b2p.machine.model import Arch

# Bucket and version change together with each release; no address names the newest.
_NEWEST = frozen({"version": "v1.38.0-1787403653-23518", "build": "23518"})


def _source(architecture: str) -> Source:
    file = f"minikube-{{version}}-{architecture}.iso"
    image = f"https://storage.googleapis.com/minikube-builds/iso/{{build}}/{file}"
    other = f"https://github.com/kubernetes/minikube/releases/download/{{version}}/{file}"
    return Source(
        image=image,
        latest=Pinned(values=_NEWEST),
        checksum=f"{image}.sha256",
        checksum_format="bare",
        mirrors=(other,),
    )


_SOURCES: dict[Arch, Source] = {"x86_64": _source("amd64"), "aarch64": _source("arm64")}

MINIKUBE = Family(
    name="minikube",
    title="minikube (Buildroot, docker and podman 3.4)",
    sources=frozen(_SOURCES),
    medium="iso",
    boot=KernelInside(
        kernels=("boot/bzimage", "boot/bzImage"),
        initrds=(("boot/initrd",),),
        command_line=(
            "root=/dev/sr0 loglevel=3 noembed nomodeset norestore waitusb=10 random.trust_cpu=on"
            " hw_rng_model=virtio systemd.legacy_systemd_cgroup_controller=yes"
        ),
        overlay="root",
    ),
    firmware=frozen({"x86_64": ("bios",), "aarch64": ("uefi",)}),
    # The whole root is copied into memory, so it is there twice for a moment.
    memory_mib=2048,
    data_disk=True,
    provisioner=UserdataDisk(magic="boot2docker, please format-me", data_label="boot2docker-data"),
    console=Console(kernel_words="console={serial}", login="root"),
    user=User(name="docker"),
    ready=Ready(command="sudo systemctl start podman.socket"),
    engines=(
        Engine(
            api="podman",
            path="/run/podman/podman.sock",
            unit="podman.socket",
            root=False,
            reach="ssh",
        ),
        DOCKER_BY_SSH,
    ),
    places=Places(socket_proxy=""),
    persists=(
        "/var/lib/boot2docker",
        "/var/lib/docker",
        "/var/lib/containerd",
        "/var/lib/buildkit",
        "/var/lib/containers",
        "/var/lib/kubelet",
        "/var/lib/cni",
        "/var/lib/minikube",
        "/var/log",
        "/var/tmp",
        "/data",
    ),
    tried="stand-in",
    marks=Marks(
        iso_files=("boot/bzimage", "boot/initrd"),
        os_ids=("buildroot",),
        file_name=r"minikube.*\.iso",
    ),
)
