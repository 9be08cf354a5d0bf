"""A client of the gateway in the same process: one call at a time, over a pair of sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    Json = dict[str, Any]


class Refused(Exception):  # noqa: N818  (a reply, not a fault)
    """An error reply."""

    def __init__(self, name: str, parameters: Any) -> None:
        super().__init__(f"{name} {parameters}")
        self.name = name
        self.parameters = parameters


def descriptors() -> int:
    """How many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


def watchers() -> list[str]:
    """The threads of the gateway that read or watch for a call."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if "(_read)" in name or "(_run)" in name]


def given_back(most: int) -> bool:
    """True once so few descriptors are held; the threads of the pretending podman end late."""
    deadline = time.monotonic() + 5
    while descriptors() > most and time.monotonic() < deadline:
        time.sleep(0.002)
    return descriptors() <= most


class Asking:
    """`ask("Ps", opts={})` answers the reply's parameters; an error reply is raised."""

    def __init__(self, gateway: Callable[[str], Any], podman: str, spool: Any) -> None:
        self.spool = spool
        shared = gateway("call").Gateway(gateway("rest").Rest(podman), spool)
        self.dispatch = gateway("dispatch").Dispatch(shared)
        self.here, there = socket.socketpair()
        self.connection = gateway("wire").Connection(there)
        self.upgrade: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.here.close()
        self.connection.socket.close()

    def __call__(self, method: str, **parameters: Any) -> Any:
        """The parameters of the one reply."""
        (reply,) = self.replies({"method": f"io.podman.{method}", "parameters": parameters})
        assert "continues" not in reply
        return reply["parameters"]

    def more(self, method: str, **parameters: Any) -> list[Any]:
        """The parameters of all replies."""
        call = {"method": f"io.podman.{method}", "parameters": parameters, "more": True}
        replies = self.replies(call)
        assert [reply.get("continues", False) for reply in replies] == [
            *[True] * (len(replies) - 1),
            False,
        ]
        return [reply["parameters"] for reply in replies]

    def upgraded(self, method: str, **parameters: Any) -> Any:
        """The reply's parameters; `self.upgrade.talk(self.connection)` speaks on."""
        call = {"method": f"io.podman.{method}", "parameters": parameters, "upgrade": True}
        (reply,) = self.replies(call)
        assert self.upgrade is not None
        return reply["parameters"]

    def replies(self, call: Json) -> list[Json]:
        """All replies to a call; Refused for an error that ends them."""
        self.upgrade = self.dispatch.answer(self.connection, call)
        frames = self.received().split(b"\0")
        assert frames.pop() == b""
        replies = [json.loads(frame) for frame in frames]
        if replies and "error" in replies[-1]:
            raise Refused(replies[-1]["error"], replies[-1]["parameters"])
        return replies

    def received(self) -> bytes:
        """What has come so far."""
        told = b""
        self.here.setblocking(False)
        try:
            while data := self.here.recv(1 << 16):
                told += data
        except BlockingIOError:
            pass
        finally:
            self.here.setblocking(True)
        return told
