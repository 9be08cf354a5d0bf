"""How the ISOs of Fedora's livecd-creator boot, of whatever system they are. Data only."""

from __future__ import annotations

from b2p.families.model import KernelInside

LIVE_CD = KernelInside(
    kernels=("isolinux/vmlinuz0", "isolinux/vmlinuz"),
    initrds=(("isolinux/initrd0.img", "isolinux/initrd.img"),),
    command_line=(
        "root=live:CDLABEL={label} rootfstype=auto ro rd.live.image rd.luks=0 rd.md=0 rd.dm=0"
        " no_timer_check net.ifnames=0 biosdevname=0"
    ),
    overlay="dracut",
)
