"""The other machines of this one's network: a link to each, and their names.

Which machine is at the other end of a link is known by its MAC, and whom the number belongs to is
the host's word: no machine can pretend to be another one. Each may ask this one alone, not by its
way for anybody else: neither the host nor a container that has published nothing.
"""

import os

import addresses
import power
import publish

IP = "/usr/bin/ip"
CARDS = "/sys/class/net"
SETTINGS_IPV6 = "/proc/sys/net/ipv6/conf"
HOSTS = "/etc/hosts"
NAME = "/proc/sys/kernel/hostname"


def links() -> "dict[int, str]":
    """The network cards that lead to other machines, by the numbers of those."""
    found = {}
    for card in os.listdir(CARDS):
        try:
            with open(f"{CARDS}/{card}/address") as file:
                mac = file.read().strip()
        except OSError:
            continue
        if mac.startswith(addresses.PEER_MAC):
            found[int(mac.removeprefix(addresses.PEER_MAC))] = card
    return found


def join(number: int) -> None:
    """Be the machine of that number; raises OSError."""
    cards = links()
    if not cards:
        raise OSError("it was started without links")
    for card in cards.values():
        with open(f"{SETTINGS_IPV6}/{card}/disable_ipv6", "w") as knob:
            knob.write("1")
    power.run_with(table(number, sorted(cards)), publish.NFT, "-f", "-")
    power.run_with(commands(number, cards), IP, "-batch", "-")


def serve_names() -> None:
    """Have containers be answered who ask a name server for a machine's name."""
    power.start_unit("b2p-names.service")


def commands(number: int, cards: "dict[int, str]") -> str:
    """What ip(8) has to do, in the form of its batches."""
    lines = []
    for peer, card in sorted(cards.items()):
        named = f"peer{peer}"
        if card != named:
            lines += [f"link set {card} down", f"link set {card} name {named}"]
        lines.append(f"address flush dev {named}")
        if peer == number:
            lines.append(f"link set {named} down")
            continue
        own, other = _address(number), _address(peer)
        lines += [f"address add {own} peer {other}/32 dev {named}", f"link set {named} up"]
    return "\n".join(lines) + "\n"


def table(number: int, peers: "list[int]") -> str:
    """The rules of nftables: before any other looks at a packet."""
    fitting = ", ".join(f'"peer{peer}" . {_address(peer)}' for peer in peers if peer != number)
    return f"""
table inet b2p_peers
delete table inet b2p_peers
table inet b2p_peers {{
  chain arriving {{
    type filter hook prerouting priority raw
    iifname != "peer*" accept
    meta nfproto ipv6 drop
    ip daddr != {_address(number)} drop
    iifname . ip saddr != {{ {fitting} }} drop
  }}
}}
"""


def names(machines: "dict[str, int]") -> str:
    """Lines of hosts(5) for all machines of the network, this one included."""
    return "".join(
        f"{_address(number)} {name} {name}.{addresses.PEER_DOMAIN}\n"
        for name, number in machines.items()
    )


def write_hosts(name: str, network: "dict | None" = None, *, gateway: bool = True) -> None:
    """What this machine, and containers that are started in it, call whom.

    `gateway` says whether that of the network is b2p's, and so the host.
    """
    known = (network or {}).get("machines", {})
    own = "" if name in known else f"127.0.1.1 {name}\n"
    host = f"{addresses.GATEWAY} {addresses.HOST_NAMES}\n" if gateway else ""
    with open(f"{HOSTS}.new", "w") as file:
        file.write(f"127.0.0.1 localhost\n::1 localhost\n{own}{host}{names(known)}")
    os.replace(f"{HOSTS}.new", HOSTS)


def own_name() -> str:
    """What this machine is called."""
    with open(NAME) as kernel:
        return kernel.read().strip()


def _address(number: int) -> str:
    return f"{addresses.PEER_ADDRESS}{number}"
