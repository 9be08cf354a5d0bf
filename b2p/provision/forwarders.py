"""Units that lead from a TCP port of the guest to an engine's unix socket, for the host. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.machine import ports

if TYPE_CHECKING:
    from b2p.families.model import Engine, EngineApi, Family

PORTS: dict[EngineApi, int] = {
    "podman": ports.PODMAN,
    # It is the same API for docker's clients: the host has one socket for both.
    "docker": ports.PODMAN,
    "varlink": ports.VARLINK,
}

_SOCKET = """\
[Unit]
Description={api}'s API for the host

[Socket]
ListenStream={guest}:{port}
IPAddressAllow={gateway}
IPAddressDeny=any
FreeBind=yes

[Install]
WantedBy=sockets.target
"""

# Through a shell: a proxy that systemd starts by its own name gets a domain of SELinux's in which
# it may neither listen on such a port nor connect to the engine.
_SERVICE = """\
[Unit]
Description=leads the host to {api}
Wants={wants}
After={wants}

[Service]
ExecStart=/bin/sh -c "exec {proxy} {path}"
LimitNOFILE=65536
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of systemd's."""

    name: str
    text: str
    enable: bool


def units(family: Family) -> list[Unit]:
    """A socket and a service for each port; of two engines for one port the first has it."""
    found: dict[int, list[Unit]] = {}
    for engine in family.engines:
        if engine.reach == "forwarder":
            found.setdefault(PORTS[engine.api], _pair(engine, family.places.socket_proxy))
    return [unit for pair in found.values() for unit in pair]


def _pair(engine: Engine, proxy: str) -> list[Unit]:
    name = f"b2p-{engine.api}"
    words = {
        "api": engine.api,
        "guest": ports.GUEST,
        "gateway": ports.GATEWAY,
        "port": PORTS[engine.api],
        "path": engine.path,
        "proxy": proxy,
        "wants": engine.unit or "network.target",
    }
    return [
        Unit(f"{name}.socket", _SOCKET.format_map(words), enable=True),
        Unit(f"{name}.service", _SERVICE.format_map(words), enable=False),
    ]
