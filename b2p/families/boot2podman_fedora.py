"""boot2podman-fedora.iso: a live Fedora 30 with podman 1.x. Data only."""

from __future__ import annotations

from dataclasses import replace

from b2p.families.engines import VARLINK_BRIDGE, VARLINK_UNIT
from b2p.families.live_cd import LIVE_CD
from b2p.families.model import (
    Console,
    Family,
    InRedirect,
    Marks,
    Places,
    Ready,
    Source,
    User,
    UserdataDisk,
    frozen,
)

_RELEASES = "https://github.com/boot2podman/boot2podman-fedora-iso/releases"

BOOT2PODMAN_FEDORA = Family(
    name="boot2podman-fedora",
    title="boot2podman-fedora (live Fedora 30, podman 1.x)",
    sources=frozen(
        {
            "x86_64": Source(
                image=f"{_RELEASES}/download/{{version}}/boot2podman-fedora.iso",
                latest=InRedirect(
                    address=f"{_RELEASES}/latest", pattern=r"/releases/tag/(?P<version>[^/]+)$"
                ),
                mirrors=(f"{_RELEASES}/latest/download/boot2podman-fedora.iso",),
            )
        }
    ),
    medium="iso",
    boot=LIVE_CD,
    firmware=frozen({"x86_64": ("bios",)}),
    data_disk=True,
    provisioner=UserdataDisk(
        magic="boot2podman, please format-me",
        disk_names=("sda", "vda", "xvda", "hda"),
        filesystem="xfs",
        data_label="b2p-data",
    ),
    console=Console(kernel_words="console=tty0 console={serial}", login="root", password="fedora"),
    user=User(name="tc", group="staff"),
    ready=Ready(command="sudo test -S /run/podman/io.podman"),
    engines=(replace(VARLINK_UNIT, bridge=VARLINK_BRIDGE),),
    places=Places(registries=""),
    persists=("/var/lib/containers", "/var/lib/boot2podman", "/opt"),
    marks=Marks(volume_label=r"boot2podman-fedora.*", file_name=r"boot2podman-fedora.*\.iso"),
    ended="2020",
    notes="its network comes up late, by a script of its own",
)
