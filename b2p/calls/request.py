"""What the guest may ask for, parsed as what a hostile guest could send. Pure."""

from __future__ import annotations

import hmac
import json
from typing import Any, NamedTuple

from b2p.publish import Wish

LONGEST = 1 << 16
"""Bytes of a request, its end of line among them."""
MOST_PORTS = 512
VERBS = frozenset({"publish", "unpublish", "idle"})


class MalformedError(Exception):
    """It is not a request; the text may be told to the guest."""


class Request(NamedTuple):
    """One call."""

    verb: str
    wishes: tuple[Wish, ...] = ()
    everything: bool = False
    """Whether these are all ports that containers have."""


def parsed(line: bytes, token: str) -> Request:
    """The request in that line, which shows the token; raises MalformedError."""
    if len(line) > LONGEST:
        raise MalformedError("too long")
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise MalformedError("no JSON") from None
    if not isinstance(values, dict):
        raise MalformedError("no object")
    given = values.get("token")
    if not token or not isinstance(given, str) or not _is_same(given, token):
        raise MalformedError("wrong token")
    verb = values.get("call")
    if not isinstance(verb, str) or verb not in VERBS:
        raise MalformedError("no such call")
    everything = values.get("all", False)
    if not isinstance(everything, bool):
        raise MalformedError("'all' is no boolean")
    return Request(verb, _wishes(values.get("ports", [])), everything)


def _is_same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), token.encode())


def _wishes(values: object) -> tuple[Wish, ...]:
    if not isinstance(values, list) or len(values) > MOST_PORTS:
        raise MalformedError(f"'ports' is no list of at most {MOST_PORTS}")
    return tuple(_wish(value) for value in values)


def _wish(value: object) -> Wish:
    if not isinstance(value, dict):
        raise MalformedError("a port is no object")
    protocol, port, loopback = (value.get(key) for key in ("protocol", "port", "loopback"))
    if protocol not in ("tcp", "udp"):
        raise MalformedError("a port's protocol is neither tcp nor udp")
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise MalformedError("a port is no number from 1 to 65535")
    if not isinstance(loopback, bool):
        raise MalformedError("a port's 'loopback' is no boolean")
    return Wish(str(protocol), port, loopback)
