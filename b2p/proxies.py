"""The proxies that this computer's user has set, as a guest is to use them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from b2p.machine import ports

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

# This computer's own address, wherever an address of a proxy may have it.
_HERE = re.compile(
    r"(?:(?<=//)|(?<=@))(?:localhost|127(?:\.[0-9]+){3}|\[::1\])(?=[:/]|$)", re.IGNORECASE
)


def for_guest(environ: Mapping[str, str]) -> dict[str, str]:
    """By the names of NAMES; a proxy on this computer is at QEMU's gateway for the guest."""
    found = {name: environ.get(name.lower()) or environ.get(name, "") for name in NAMES}
    return {name: _led(name, value) for name, value in found.items() if value.strip()}


def _led(name: str, value: str) -> str:
    if name == "NO_PROXY":
        words = (word for word in re.split(r"[\s,]+", value) if word)
        # What the guest reaches of its own network needs no proxy.
        return ",".join(dict.fromkeys([*words, "localhost", "127.0.0.1", ports.GUEST]))
    value = value.strip()
    address = value if "//" in value else f"http://{value}"
    return _HERE.sub(ports.GATEWAY, address)
