"""Parameters of calls as the gateway sees them: all fields there, most of them empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def complete(gateway: Callable[[str], Any], kind: str, **given: Any) -> Any:
    """A value of a type of io.podman, with zero values where nothing is given."""
    return gateway("interface").load("io.podman").accept(kind, given, "")
