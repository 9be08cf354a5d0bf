"""What a method refuses or fails with, as it goes over the wire."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SERVICE = "org.varlink.service"
PODMAN = "io.podman"


class VarlinkError(Exception):
    """An error reply: its full name and its parameters."""

    def __init__(self, name: str, /, **parameters: Any) -> None:
        super().__init__(f"{name} {parameters}")
        self.name = name
        self.parameters = parameters


class RestError(Exception):
    """An answer of podman's that is no success; status 0: it could not be reached, or broke off."""

    def __init__(self, status: int, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.cause = cause
        self.told: dict[str, Any] = {}


def invalid_parameter(name: str) -> VarlinkError:
    """The parameter is of the wrong type."""
    return VarlinkError(f"{SERVICE}.InvalidParameter", parameter=name)


def interface_not_found(name: str) -> VarlinkError:
    """Nobody serves the interface here."""
    return VarlinkError(f"{SERVICE}.InterfaceNotFound", interface=name)


def method_not_found(name: str) -> VarlinkError:
    """The interface has no such method; `name` is the bare one."""
    return VarlinkError(f"{SERVICE}.MethodNotFound", method=name)


def method_not_implemented(name: str) -> VarlinkError:
    """The interface declares the method and nobody does it; `name` is the full one."""
    return VarlinkError(f"{SERVICE}.MethodNotImplemented", method=name)


def error_occurred(reason: str) -> VarlinkError:
    """Any failure without an error of its own."""
    return VarlinkError(f"{PODMAN}.ErrorOccurred", reason=reason)


def not_found(kind: str, name: str, reason: str) -> VarlinkError:
    """There is no such `kind`: Container, Image or Pod. Pods are told by name, the others by id."""
    field = "name" if kind == "Pod" else "id"
    return VarlinkError(f"{PODMAN}.{kind}NotFound", **{field: name, "reason": reason})


def invalid_state(identity: str, reason: str) -> VarlinkError:
    """The container's state does not allow what was asked for."""
    return VarlinkError(f"{PODMAN}.InvalidState", id=identity, reason=reason)


def is_wrong_state(error: RestError) -> bool:
    """True when podman refused for a container's state: with 409, or with 500 and a text."""
    return error.status == 409 or "state improper" in f"{error.cause} {error.message}"


def from_rest(error: RestError, kind: str, name: str) -> VarlinkError:
    """podman's refusal as io.podman tells it; `kind` is what a 404 says is missing, or empty."""
    if error.status == 404 and kind:
        return not_found(kind, name, error.message)
    return error_occurred(error.message)
