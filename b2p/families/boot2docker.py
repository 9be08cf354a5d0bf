"""boot2docker.iso: Tiny Core with Docker, until 19.03. Data only."""

from __future__ import annotations

from b2p.families.engines import DOCKER_BY_SSH
from b2p.families.model import (
    Console,
    Family,
    InRedirect,
    KernelInside,
    Marks,
    Places,
    Ready,
    Source,
    User,
    UserdataDisk,
    frozen,
)

_RELEASES = "https://github.com/boot2docker/boot2docker/releases"

BOOT = KernelInside(
    kernels=("boot/vmlinuz", "boot/vmlinuz64"),
    initrds=(("boot/initrd.img",),),
    command_line="loglevel=3 waitusb=5:LABEL=boot2docker-data base norestore noembed",
    overlay="root",
)

BOOT2DOCKER = Family(
    name="boot2docker",
    title="boot2docker (Tiny Core, Docker 19.03)",
    sources=frozen(
        {
            "x86_64": Source(
                image=f"{_RELEASES}/download/{{version}}/boot2docker.iso",
                latest=InRedirect(
                    address=f"{_RELEASES}/latest", pattern=r"/releases/tag/(?P<version>v[0-9.]+)$"
                ),
                known=frozen({"version": "v19.03.12"}),
            )
        }
    ),
    medium="iso",
    boot=BOOT,
    firmware=frozen({"x86_64": ("bios",)}),
    data_disk=True,
    provisioner=UserdataDisk(magic="boot2docker, please format-me", data_label="boot2docker-data"),
    console=Console(
        kernel_words="console=tty0 console={serial}",
        login="docker",
        password="tcuser",
        autologin=True,
    ),
    user=User(name="docker", group="staff"),
    ready=Ready(console=r"login: ?$|\$ $", command="test -S /var/run/docker.sock"),
    engines=(DOCKER_BY_SSH,),
    places=Places(
        hostname="",
        ssh_host_key="/usr/local/etc/ssh/ssh_host_ed25519_key",
        registries="",
        proxy="",
        units="",
        socket_proxy="",
    ),
    persists=("/var/lib/docker", "/var/lib/boot2docker", "/tmp"),
    tried="stand-in",
    marks=Marks(
        volume_label=r"b2d-v(?!1\.12).*|boot2docker.*",
        iso_files=("boot/initrd.img", "boot/vmlinuz", "isolinux/isolinux.cfg"),
        os_ids=("boot2docker",),
        file_name=r"boot2docker.*\.iso",
    ),
    ended="2020",
    notes="Docker's API only: podman's client cannot talk to it",
)
