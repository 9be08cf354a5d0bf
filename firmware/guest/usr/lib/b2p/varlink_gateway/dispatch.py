"""From a call to its replies: finds the method, checks the parameters, lets a room answer."""

from __future__ import annotations

import sys
import traceback
from contextlib import closing
from importlib import import_module

from . import errors
from .call import Call, Gateway, Upgrade, failure
from .errors import VarlinkError
from .interface import Interface, load
from .table import METHODS, Method
from .wire import Connection, VanishedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    Reply = dict[str, Any]

PODMAN = "io.podman"
SERVICE = "org.varlink.service"
RESOLVER = "org.varlink.resolver"
SERVED = (SERVICE, PODMAN)
VENDOR = {
    "vendor": "Atomic",
    "product": "podman",
    "url": "https://github.com/containers/libpod",
    "interfaces": SERVED,
}
ADDRESS = "unix:/run/podman/io.podman"


class Dispatch:
    """Answers calls; one for all connections."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._interfaces: dict[str, Interface] = {}

    def serve(self, connection: Connection) -> None:
        """Answers a client's calls in their order, until it goes or speaks raw bytes."""
        while (request := connection.receive()) is not None:
            if (upgrade := self.answer(connection, request)) is not None:
                upgrade.talk(connection)
                return

    def answer(self, connection: Connection, request: dict[str, Any]) -> Upgrade | None:
        """Sends all replies to a call; none for a oneway one. An upgrade is handed back."""
        silent = bool(request.get("oneway"))
        more = bool(request.get("more")) and not silent
        try:
            outcome = self._outcome(connection, request, more=more)
            if isinstance(outcome, Upgrade):
                return _upgraded(connection, outcome)
            with closing(outcome):
                for reply in outcome:
                    if not silent:
                        connection.send(reply)
        except VarlinkError as error:
            if not silent:
                connection.send({"error": error.name, "parameters": error.parameters})
        return None

    def interface(self, name: str) -> Interface:
        """The interface of that name, read when it is first asked for."""
        if name not in (*SERVED, RESOLVER):
            raise errors.interface_not_found(name)
        if name not in self._interfaces:
            self._interfaces[name] = load(name)
        return self._interfaces[name]

    def _outcome(
        self, connection: Connection, request: dict[str, Any], *, more: bool
    ) -> Upgrade | Generator[Reply, None, None]:
        interface_name, _, name = request["method"].rpartition(".")
        interface = self.interface(interface_name)
        if not (interface.has(name) and name in _names(interface)):
            raise errors.method_not_found(name)
        inputs = interface.inputs(name)
        parameters = request.get("parameters")
        if parameters is None and inputs:
            raise errors.invalid_parameter("parameters")
        given = interface.accept(inputs, parameters, "")
        if interface_name != PODMAN:
            return _once(self._service(interface_name, name, given))
        method = METHODS[name]
        if method.upgrade and (request.get("oneway") or not request.get("upgrade")):
            raise errors.error_occurred(f"{name} needs an upgraded connection")
        call = Call(self.gateway, connection, given, more=more)
        return self._podman(call, method, interface, name)

    def _podman(
        self, call: Call, method: Method, interface: Interface, name: str
    ) -> Upgrade | Generator[Reply, None, None]:
        with _Translated(method, call.given):
            outcome = function_of(method)(call)
            outputs = interface.outputs(name)
            if isinstance(outcome, Upgrade):
                outcome.reply = interface.complete(outputs, outcome.reply)
                return outcome
            if isinstance(outcome, dict):
                return _once(interface.complete(outputs, outcome))
        return _stream(outcome, method, call.given, lambda item: interface.complete(outputs, item))

    def _service(self, interface: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """org.varlink.service, and the resolver, who knows of nobody else."""
        if name == "GetInterfaceDescription":
            return {"description": self.interface(given["interface"]).text}
        if name == "GetInfo":
            return {**VENDOR, "version": self._version()}
        if given["interface"] not in SERVED:
            raise VarlinkError(f"{interface}.InterfaceNotFound", interface=given["interface"])
        return {"address": ADDRESS}

    def _version(self) -> str:
        """podman's version; who asks for the interfaces gets them even when podman is down."""
        try:
            server = self.gateway.rest.ping()
        except errors.RestError:
            return ""
        return server.partition("/")[2].partition(" ")[0]


def _upgraded(connection: Connection, upgrade: Upgrade) -> Upgrade:
    try:
        connection.send({"parameters": upgrade.reply})
    except VanishedError:
        upgrade.abandon()
        raise
    return upgrade


def function_of(method: Method) -> Callable[[Call], Any]:
    """The room's function for a method; the room is imported when it is first needed."""
    room = import_module(f".rooms.{method.room}", __package__)
    function: Callable[[Call], Any] = getattr(room, method.function)
    return function


class _Translated:
    """Turns whatever a room raises into an error reply; what nobody foresaw goes to the journal."""

    def __init__(self, method: Method, given: dict[str, Any]) -> None:
        self._method = method
        self._given = given

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, VanishedError):
            return
        if not isinstance(error, (VarlinkError, errors.RestError, OSError)):
            traceback.print_exception(error, file=sys.stderr)
        raise failure(error, self._method, self._given) from error


def _once(parameters: dict[str, Any]) -> Generator[Reply, None, None]:
    """The one reply of a method that answers once."""
    yield {"parameters": parameters}


def _stream(
    outcome: Any, method: Method, given: dict[str, Any], complete: Callable[[Any], Reply]
) -> Generator[Reply, None, None]:
    """Replies as a room makes them; what it returns in the end is the last one."""
    try:
        last = False
        while not last:
            with _Translated(method, given):
                try:
                    made = next(outcome)
                except StopIteration as end:
                    made, last = end.value, True
                reply = {"parameters": complete(made)}
            yield reply if last else {**reply, "continues": True}
    finally:
        outcome.close()


def _names(interface: Interface) -> Any:
    return (
        METHODS if interface.name == PODMAN else ("GetInfo", "GetInterfaceDescription", "Resolve")
    )
