"""A call as a room sees it: what was given, who asks, and what it may use to answer."""

from __future__ import annotations

from .errors import RestError, VarlinkError, error_occurred, from_rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .rest import Rest
    from .spool import Spool
    from .table import Method
    from .wire import Connection


class Gateway:
    """What all calls share: podman, the spool, and what never changes once it was asked."""

    def __init__(self, rest: Rest, spool: Spool) -> None:
        self.rest = rest
        self.spool = spool
        self.versions: dict[str, dict[str, Any]] = {}
        self.mounts: dict[str, list[dict[str, Any]]] = {}


class Call:
    """One call; `call["name"]` is a parameter, complete and of its type."""

    def __init__(
        self, gateway: Gateway, connection: Connection, given: dict[str, Any], *, more: bool
    ) -> None:
        self.gateway = gateway
        self.rest = gateway.rest
        self.spool = gateway.spool
        self.connection = connection
        self.given = given
        self.more = more

    def __getitem__(self, name: str) -> Any:
        return self.given[name]


class Upgrade:
    """A reply after which the connection carries raw bytes, spoken by `talk` until its end.

    `abandon` lets go of what was prepared, for a client that left before it heard the reply.
    """

    def __init__(
        self,
        reply: dict[str, Any],
        talk: Callable[[Connection], None],
        abandon: Callable[[], None],
    ) -> None:
        self.reply = reply
        self.talk = talk
        self.abandon = abandon


def failure(error: Exception, method: Method, given: dict[str, Any]) -> VarlinkError:
    """The error reply for whatever a room raised."""
    if isinstance(error, VarlinkError):
        return error
    if isinstance(error, RestError):
        return from_rest(error, method.kind, _named(given, method.named))
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return error_occurred(f"{reason}: {error.filename!r}" if error.filename else reason)
    return error_occurred(f"the gateway failed: {type(error).__name__}: {error}")


def _named(given: dict[str, Any], path: str) -> str:
    value: Any = given
    for part in path.split(".") if path else ():
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value if isinstance(value, str) else ""
