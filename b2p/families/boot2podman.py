"""boot2podman.iso: Tiny Core with podman 1.x, 2018 to 2020. Data only."""

from __future__ import annotations

from b2p.families.engines import VARLINK_BRIDGE
from b2p.families.model import (
    Console,
    Engine,
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

_RELEASES = "https://github.com/boot2podman/boot2podman/releases"

BOOT2PODMAN = Family(
    name="boot2podman",
    title="boot2podman (Tiny Core, podman 1.x)",
    aliases=("boot2podman-iso", "tinycore"),
    sources=frozen(
        {
            "x86_64": Source(
                image=f"{_RELEASES}/download/{{version}}/boot2podman.iso",
                latest=InRedirect(
                    address=f"{_RELEASES}/latest", pattern=r"/releases/tag/(?P<version>v[0-9.]+)$"
                ),
                known=frozen({"version": "v0.27"}),
            )
        }
    ),
    medium="iso",
    boot=KernelInside(
        kernels=("boot/vmlinuz64",),
        initrds=(("boot/corepure64.gz",), ("boot/boot2podman.gz",)),
        optional_initrds=("boot/kubernetes.gz",),
        command_line="loglevel=3 cde noembed",
        overlay="root",
    ),
    firmware=frozen({"x86_64": ("bios",)}),
    memory_mib=512,
    data_disk=True,
    provisioner=UserdataDisk(magic="boot2podman, please format-me", data_label="boot2podman-data"),
    # Tiny Core has no getty on a serial port unless its kernel is told of one.
    console=Console(kernel_words="console=tty0 console={serial}", serial=False, login="tc"),
    user=User(name="tc", uid=1001, group="staff"),
    ready=Ready(console=r"login: ?$|[#$] $", command="sudo test -S /run/podman/io.podman"),
    engines=(
        # Only root may open it; root's authorized_keys are a copy of tc's.
        Engine(
            api="varlink",
            path="/run/podman/io.podman",
            reach="ssh",
            ssh_user="root",
            bridge=VARLINK_BRIDGE,
        ),
    ),
    places=Places(
        hostname="",
        ssh_host_key="/usr/local/etc/ssh/ssh_host_ed25519_key",
        registries="",
        proxy="",
        units="",
        socket_proxy="",
    ),
    persists=(
        "/var/lib/containers",
        "/var/lib/boot2podman",
        "/var/lib/rancher",
        "/home/tc/.local/share/containers",
    ),
    marks=Marks(
        volume_label=r"Boot2Podman-v.*",
        iso_files=("boot/corepure64.gz", "boot/boot2podman.gz"),
        os_ids=("boot2podman", "tinycore"),
        file_name=r"boot2podman(-kubernetes)?\.iso",
    ),
    tried="stand-in",
    ended="August 2020",
    notes="podman 1.x speaks varlink only; below 512 MiB of memory it does not start",
)
