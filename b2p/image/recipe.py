"""What the default image is made of: the packages asked for, and what of them is left out. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from b2p.image import hardware
from b2p.image.modules import module_name

if TYPE_CHECKING:
    from b2p.machine.engines import Engine
    from b2p.machine.model import Arch

NAME = "b2p"
"""What people call it: up --image b2p."""

SUITE = "trixie"

KERNELS: dict[Arch, str] = {"x86_64": "linux-image-amd64", "aarch64": "linux-image-arm64"}
DEBIAN_ARCHITECTURES: dict[Arch, str] = {"x86_64": "amd64", "aarch64": "arm64"}

SYSTEM_PACKAGES = (
    # the system that the engine lives in
    "systemd", "systemd-sysv", "dbus-broker", "udev", "kmod", "util-linux", "login", "passwd",
    "bash", "dash", "coreutils", "procps", "libc-bin", "e2fsprogs", "tzdata", "sudo", "grep", "sed",
    "findutils", "gzip", "tar", "less", "mawk",
    # what any engine needs; its own packages: b2p/machine/engines.py
    "nftables", "iproute2", "ca-certificates", "zstd",
    # the ways in: ssh for people, Python for what serves them
    "openssh-server", "openssh-sftp-server", "python3",
    # what an exported image reads a cloud's user-data with
    "python3-yaml",
    # what the image needs to finish itself
    "busybox-static", "squashfs-tools",
)  # fmt: skip


def packages(engine: Engine, arch: Arch, extra: tuple[str, ...] = ()) -> list[str]:
    """What an image is asked to have; all that this depends on comes with it."""
    return [*SYSTEM_PACKAGES, *engine.packages, KERNELS[arch], *extra]


WITHOUT = frozenset({
    # Dependencies of maintainer scripts, which never run here.
    "adduser", "apt", "cdebconf", "debconf", "debconf-2.0", "dpkg", "init-system-helpers",
    "install-info", "perl", "perl-base", "sensible-utils", "ucf",
    # The image brings an initrd of its own.
    "initramfs-tools", "initramfs-tools-core", "dracut", "linux-base", "linux-initramfs-tool",
    # Signing keys of gpg are made on the user's computer, not in the machine: gpgme only verifies.
    "dirmngr", "gnupg-l10n", "gpg-wks-client", "gpgsm", "pinentry-curses",
    "media-types", "runit-helper",
    # For the maintainer script of ca-certificates alone.
    "openssl",
    # Half of it and more is documentation; nobody asks for the rest.
    "gnupg", "openssl-provider-legacy", "python3.13",
})  # fmt: skip

BINFMT_PACKAGES = ("qemu-user-binfmt",)
"""What runs containers of other architectures; not for all: 71 MB, most of which is dropped."""

_DROPPED_PATHS = re.compile(
    r"boot/(?!vmlinuz)"
    r"|usr/share/(?:doc|man|locale|info|lintian|bug|zsh|fish|bash-completion|doc-base|menu"
    r"|gtk-doc|initramfs-tools|applications|pixmaps|icons|common-licenses|linda)/"
    r"|usr/lib/[^/]+/gconv/"
    r"|usr/share/i18n/"
    r"|usr/lib/python3(?:\.\d+)?/(?:idlelib|lib2to3|pydoc_data|ensurepip|turtledemo|tkinter|test)/"
    r"|usr/libexec/podman/podman-testing|usr/lib/udev/hwdb\.d/"
    r"|usr/lib/podman/netavark-dhcp-proxy-client$"
    r"|usr/bin/(?:ctr|containerd-stress|containerd-shim|containerd-shim-runc-v1)$"
    r"|usr/bin/qemu-(?!(?:aarch64|arm|i386|ppc64le|riscv64|s390x|x86_64)$)"
    r"|etc/cron\.|etc/init\.d/|etc/rc.\.d/|etc/initramfs-tools/"
    r"|usr/lib/modules/[^/]+/kernel/(?:sound|samples)/"
)

_KEPT_DRIVERS = frozenset({
    "block", "char", "input", "md", "net", "scsi", "tty", "vhost", "virt", "virtio", "watchdog",
})  # fmt: skip
"""Of kernel/drivers: what a machine of b2p's can have, and what containers ask for."""

_DROPPED_DRIVERS = re.compile(
    r"usr/lib/modules/[^/]+/kernel/drivers/(?:"
    r"net/(?:ethernet|wireless|usb|can|arcnet|hamradio|dsa|fddi|ieee802154|wwan|wan|fjes|plip|phy"
    r"|pcs|ipa|slip|thunderbolt|mdio|ovpn|hyperv|vmxnet3|fddi|bonding/|xen)"
    r"|block/(?!virtio_blk|loop|zram|nbd|brd|null_blk)"
    r"|md/(?!dm-mod|dm-crypt|dm-thin|dm-bufio|dm-snapshot|dm-bio|dm-log|dm-mirror|persistent)"
    r"|input/(?!evdev)|scsi/(?!virtio_scsi|scsi_mod|sd_mod|sr_mod|sg|scsi_common)"
    r"|watchdog/(?!softdog|i6300esb)|char/(?!hw_random/virtio|virtio_console|tpm/tpm\.)"
    r"|tty/(?!serial/8250))"
)

_DROPPED_FILESYSTEMS = re.compile(
    r"usr/lib/modules/[^/]+/kernel/fs/(?:ocfs2|gfs2|jffs2|jfs|reiserfs|afs|coda|ceph|nilfs2|ubifs"
    r"|orangefs|hfs|hfsplus|minix|sysv|ufs|affs|befs|bfs|efs|freevxfs|hpfs|omfs|qnx4|qnx6|romfs"
    r"|adfs|zonefs|dlm|ecryptfs|bcachefs|f2fs|nfsd|ntfs3|exfat|erofs|cachefiles|smb/server|quota"
    r"|pstore|udf|vboxsf|hugetlbfs)/"
    r"|usr/lib/modules/[^/]+/kernel/(?:lib/test_|arch/x86/kvm|arch/x86/events|lib/kunit|mm/)"
)

_DROPPED_NETWORKS = re.compile(
    r"usr/lib/modules/[^/]+/kernel/net/(?:wireless|mac80211|bluetooth|nfc|can|atm|ax25|netrom|rose"
    r"|appletalk|lapb|x25|phonet|ieee802154|mac802154|6lowpan|rds|tipc|batman-adv|ceph|dsa|hsr"
    r"|caif|rxrpc|smc|sunrpc/xprtrdma|openvswitch|mptcp|ncsi|nsh|9p/9pnet_xen|9p/9pnet_rdma|kcm"
    r"|decnet|sctp|netfilter/ipset|iucv|strparser|psample|switchdev|vmw_vsock/vmw|vmw_vsock/hv)"
)

_DRIVER = re.compile(r"usr/lib/modules/[^/]+/kernel/drivers/([^/]+)/")


def wanted(path: str) -> bool:
    """Whether the image keeps that path of a package ("usr/bin/podman")."""
    if not path.startswith("usr/lib/modules/"):
        return not _DROPPED_PATHS.match(path)
    if module_name(path) in hardware.DRIVERS:
        return True
    driver = _DRIVER.match(path)
    if driver and driver[1] not in _KEPT_DRIVERS:
        return False
    dropped = (_DROPPED_PATHS, _DROPPED_DRIVERS, _DROPPED_FILESYSTEMS, _DROPPED_NETWORKS)
    return not any(pattern.match(path) for pattern in dropped)


BOOT_MODULES = ("virtio_blk", "squashfs", "overlay", "ext4", "virtio_net")
"""Kernel modules that the initrd loads, with what they need: booting never calls modprobe."""

ALONE = "alone"
"""The key of manifests that says that an image also runs where no b2p looks after it."""

RAM_MODULES = ("loop",)
"""Those that the initrd loads only where it holds the system itself: an exported image."""

BUILD_MODULES = ("virtio_blk", "squashfs")
"""Kernel modules that the builder's initrd loads."""
