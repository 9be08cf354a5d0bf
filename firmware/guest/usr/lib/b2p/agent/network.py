"""Addresses of a machine that no b2p booted: by DHCP on each card, for IPv6 by the router."""

import glob
import os

import power

CARDS = "/sys/class/net"
IPV6 = "/proc/sys/net/ipv6/conf"
SECONDS = 15.0
PAUSE = 0.2
ROUTES = "/proc/net/route"


def cards() -> "list[str]":
    """Names of what has hardware behind it: no bridge of a container's."""
    return sorted(path.split("/")[-2] for path in glob.glob(f"{CARDS}/*/device"))


def begin() -> None:
    """Ask for addresses; not waited for."""
    for card in cards():
        try:
            # Kept when a container's network forwards.
            with open(f"{IPV6}/{card}/accept_ra", "w") as knob:
                knob.write("2")
        except OSError:
            pass
        power.start_unit(f"b2p-dhcp@{card}.service")


def addresses() -> "list[str]":
    """The machine's own IPv4 addresses on its cards, once there is a route; maybe none in time."""
    left = SECONDS
    while left > 0 and not _has_route():
        power.pause(PAUSE)
        left -= PAUSE
    return [address for card in cards() if (address := _address(card))]


def _has_route() -> bool:
    with open(ROUTES) as table:
        return any(line.split()[1] == "00000000" for line in table.readlines()[1:])


def _address(card: str) -> str:
    """SIOCGIFADDR; empty where the card has none."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        try:
            found = fcntl.ioctl(channel, 0x8915, struct.pack("256s", os.fsencode(card)[:15]))
        except OSError:
            return ""
    return socket.inet_ntoa(found[20:24])
