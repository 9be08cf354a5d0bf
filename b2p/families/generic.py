"""What b2p tries with an image that no family knows. Data only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from b2p.families.engines import PODMAN
from b2p.families.model import (
    Console,
    Dialogue,
    Family,
    NoCloud,
    User,
    frozen,
)

if TYPE_CHECKING:
    from b2p.families.model import Firmware
    from b2p.machine.model import Arch

_FIRMWARE: dict[Arch, tuple[Firmware, ...]] = {
    "x86_64": ("bios", "uefi"),
    "aarch64": ("uefi",),
}

GENERIC_DISK = Family(
    name="generic",
    title="any disk image with cloud-init",
    aliases=("generic-disk",),
    sources=frozen({}),
    medium="disk",
    firmware=frozen(_FIRMWARE),
    data_disk=False,
    provisioner=NoCloud(default_user=False),
    console=Console(),
    user=User(name="core"),
    engines=(PODMAN,),
    persists=("/",),
    tried="stand-in",
    notes="works where the image has cloud-init, systemd and podman",
)

GENERIC_ISO = Family(
    name="generic-iso",
    title="any live ISO with a serial console",
    sources=frozen({}),
    medium="iso",
    firmware=frozen(_FIRMWARE),
    data_disk=True,
    provisioner=Dialogue(sudo=""),
    console=Console(kernel_words="console=tty0 console={serial}", serial=False, login="root"),
    user=User(name="root", uid=0, home="/root"),
    # Whether it has systemd nobody knows: over ssh its service is started by what there is.
    engines=(replace(PODMAN, unit="", reach="ssh", ssh_user="root"),),
    persists=(),
    tried="stand-in",
    notes="works where root may log in on the serial console, and the system has podman",
)
