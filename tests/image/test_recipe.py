"""What is kept of packages, and what is not."""

from __future__ import annotations

import pytest

from b2p.image import recipe
from b2p.machine import engines

MODULES = "usr/lib/modules/6.12.0-amd64/kernel"


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/podman",
        "usr/sbin/dockerd",
        "usr/bin/containerd-shim-runc-v2",
        "usr/lib/podman/quadlet",
        "usr/share/containers/containers.conf",
        "usr/share/zoneinfo/UTC",
        "usr/lib/python3.13/json/decoder.py",
        "boot/vmlinuz-6.12.0-amd64",
        f"{MODULES}/drivers/block/virtio_blk.ko.xz",
        f"{MODULES}/drivers/net/virtio_net.ko.xz",
        f"{MODULES}/drivers/net/veth.ko.xz",
        f"{MODULES}/fs/overlayfs/overlay.ko.xz",
        f"{MODULES}/fs/squashfs/squashfs.ko.xz",
        f"{MODULES}/net/bridge/bridge.ko.xz",
        # docker's rules, and its swarms
        f"{MODULES}/net/bridge/br_netfilter.ko.xz",
        f"{MODULES}/net/netfilter/nft_compat.ko.xz",
        f"{MODULES}/net/netfilter/xt_addrtype.ko.xz",
        f"{MODULES}/net/netfilter/ipvs/ip_vs.ko.xz",
        f"{MODULES}/drivers/net/vxlan/vxlan.ko.xz",
    ],
)
def test_what_an_engine_needs_is_kept(path: str) -> None:
    assert recipe.wanted(path)


@pytest.mark.parametrize(
    "path",
    [
        "usr/share/doc/podman/README",
        "usr/bin/containerd-shim-runc-v1",
        "usr/share/man/man1/podman.1.gz",
        "usr/share/locale/de/LC_MESSAGES/tar.mo",
        "usr/lib/x86_64-linux-gnu/gconv/BIG5.so",
        "boot/System.map-6.12.0-amd64",
        "boot/config-6.12.0-amd64",
        f"{MODULES}/drivers/gpu/drm/drm.ko.xz",
        f"{MODULES}/drivers/net/wireless/ath/ath.ko.xz",
        f"{MODULES}/sound/soundcore.ko.xz",
    ],
)
def test_what_nobody_needs_in_a_machine_is_dropped(path: str) -> None:
    assert not recipe.wanted(path)


@pytest.mark.parametrize("engine", engines.ALL.values(), ids=list(engines.ALL))
def test_nothing_is_both_asked_for_and_left_out(engine: engines.Engine) -> None:
    wanted = recipe.packages(engine, "x86_64", ("htop",))
    assert not recipe.WITHOUT & set(wanted)
    assert len(set(wanted)) == len(wanted)
    assert {"systemd", "linux-image-amd64", "htop", *engine.packages} <= set(wanted)


def test_each_architecture_has_its_kernel() -> None:
    assert recipe.KERNELS.keys() == recipe.DEBIAN_ARCHITECTURES.keys()
