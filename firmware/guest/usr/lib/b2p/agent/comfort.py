"""What programs of today expect of a kernel: room for watches and maps, swap in packed memory."""

import ctypes
import os

KNOBS = {
    # What Debian's own systemd asks for; databases and search engines refuse to start with less.
    "vm/max_map_count": "1048576",
    # Each watched file of a project takes one; editors and bundlers in containers watch them all.
    "fs/inotify/max_user_watches": "1048576",
    "fs/inotify/max_user_instances": "8192",
    # core's containers publish ports 80 and 443 too: nobody else is in this machine.
    "net/ipv4/ip_unprivileged_port_start": "0",
}
ROOT = "/proc/sys"
ZRAM = "/sys/block/zram0"
SWAP = "/dev/zram0"
PAGE = 4096
PREFERRED = 0x8000 | 100
"""swapon(2): SWAP_FLAG_PREFER with a priority."""


def raise_limits() -> None:
    """Turn the knobs; one that a kernel lacks is left out."""
    for name, value in KNOBS.items():
        try:
            with open(f"{ROOT}/{name}", "w") as knob:
                knob.write(value)
        except OSError:
            continue


def swap() -> None:
    """Half of the memory's size to swap to, packed in memory; nothing where it is there already."""
    try:
        with open(f"{ZRAM}/disksize") as size:
            if int(size.read()):
                return
        half = os.sysconf("SC_PHYS_PAGES") // 2
        with open(f"{ZRAM}/disksize", "w") as size:
            size.write(str(half * PAGE))
        with open(SWAP, "wb", buffering=0) as device:
            device.write(header(half))
    except OSError:
        return
    ctypes.CDLL(None, use_errno=True).swapon(SWAP.encode(), PREFERRED)


def header(pages: int) -> bytes:
    """The first page of a swap area, as mkswap writes it."""
    page = bytearray(PAGE)
    for at, value in ((1024, 1), (1028, pages - 1)):
        page[at : at + 4] = value.to_bytes(4, "little")
    page[-10:] = b"SWAPSPACE2"
    return bytes(page)
