"""b2p's own image as `b2p image export` writes it: an ISO, or a disk. Data only."""

from __future__ import annotations

from b2p.families.model import (
    Console,
    Engine,
    Family,
    KernelInside,
    Marks,
    NoCloud,
    Places,
    Ready,
    User,
    frozen,
)

_PLACES = Places(proxy="", units="", socket_proxy="")
_CORE = User(name="core")
_LASTS = ("/var/lib/containers", "/home", "/root", "/etc/containers/systemd")

B2P_ISO = Family(
    name="b2p-iso",
    title="b2p's own image, exported as an ISO",
    sources=frozen({}),
    medium="iso",
    boot=KernelInside(
        kernels=("boot/kernel",),
        initrds=(("boot/initrd",), ("boot/system",)),
        # Without the word for a machine of nobody's: the guest takes b2p's network and ports.
        command_line="",
        is_own=True,
    ),
    firmware=frozen({"x86_64": ("bios", "uefi")}),
    memory_mib=1024,
    data_disk=True,
    provisioner=NoCloud(),
    console=Console(autologin=True),
    user=_CORE,
    # Whoever has keys is told before the engine may answer.
    ready=Ready(ssh=False),
    engines=(
        Engine(api="podman", path="/run/podman/podman.sock", reach="served"),
        Engine(api="varlink", path="/run/podman/io.podman", reach="served"),
    ),
    places=_PLACES,
    persists=_LASTS,
    marks=Marks(
        volume_label=r"B2P_[0-9A-F]{12}", iso_files=("boot/b2p.json", "boot/system", "boot/kernel")
    ),
    tried="real",
    notes="without suspend, mounts and published ports, which an image that was not exported has",
)

B2P_DISK = Family(
    name="b2p-disk",
    title="b2p's own image, exported as a disk",
    sources=frozen({}),
    medium="disk",
    firmware=frozen({"x86_64": ("bios", "uefi")}),
    memory_mib=1024,
    data_disk=False,
    provisioner=NoCloud(),
    console=Console(autologin=True),
    user=_CORE,
    engines=(
        Engine(api="podman", path="/run/podman/podman.sock", reach="ssh", ssh_user="root"),
        Engine(api="varlink", path="/run/podman/io.podman", reach="ssh", ssh_user="root"),
    ),
    places=_PLACES,
    persists=_LASTS,
    marks=Marks(partition_files=("efi/b2p/image.txt",)),
    tried="real",
    notes="booted as on any computer, by its own loader",
)
