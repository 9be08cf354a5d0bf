"""The varlink client against a service that answers what it is told to."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from b2p.client.varlink import CallError, Connection, arguments, decoded
from b2p.errors import GuestError, UsageError
from tests.fakes import UnixServer, short_directory

if TYPE_CHECKING:
    from pathlib import Path


class Service(UnixServer):
    """Answers the first call with these replies, then hangs up."""

    def __init__(self, path: Path, *replies: dict[str, Any]) -> None:
        super().__init__(path)
        self.replies = replies
        self.asked: dict[str, Any] = {}

    def serve(self, peer: socket.socket) -> None:
        heard = b""
        while b"\0" not in heard:
            heard += peer.recv(1000)
        self.asked = json.loads(heard.partition(b"\0")[0])
        for reply in self.replies:
            peer.sendall(json.dumps(reply).encode() + b"\0")


def test_a_call_gets_its_reply() -> None:
    with (
        short_directory() as directory,
        Service(directory / "s", {"parameters": {"version": "5"}}) as service,
        Connection(service.path) as connection,
    ):
        assert connection.call("io.podman.GetVersion", {"a": 1}) == {"version": "5"}
        assert service.asked == {"method": "io.podman.GetVersion", "parameters": {"a": 1}}


def test_replies_that_go_on_come_one_by_one() -> None:
    replies = ({"parameters": {"n": 1}, "continues": True}, {"parameters": {"n": 2}})
    with (
        short_directory() as directory,
        Service(directory / "s", *replies) as service,
        Connection(service.path) as connection,
    ):
        assert [one["n"] for one in connection.stream("io.podman.GetEvents")] == [1, 2]
        assert service.asked["more"] is True


def test_a_service_that_hangs_up_is_told() -> None:
    with (
        short_directory() as directory,
        Service(directory / "s") as service,
        Connection(service.path) as connection,
    ):
        with pytest.raises(GuestError, match="hung up"):
            connection.call("a.b.C")
        assert service.asked["method"] == "a.b.C"


def test_nobody_at_the_socket_is_told() -> None:
    with short_directory() as directory, pytest.raises(GuestError, match="no such file"):
        Connection(directory / "none").__enter__()


def test_an_error_holds_its_name_and_parameters() -> None:
    with pytest.raises(CallError, match=r"io\.podman\.ContainerNotFound.id='x'") as raised:
        decoded(b'{"error": "io.podman.ContainerNotFound", "parameters": {"id": "x"}}')
    assert raised.value.parameters == {"id": "x"}


@pytest.mark.parametrize("message", [b"", b"x", b"[]", b"[" * 9999])
def test_a_reply_that_is_none_is_told(message: bytes) -> None:
    with pytest.raises(GuestError):
        decoded(message)


@pytest.mark.parametrize("text", ["x", "[]", "1"])
def test_parameters_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not"):
        arguments(text)


def test_no_parameters_are_an_empty_object() -> None:
    assert arguments("") == {}


def take_one(listener: socket.socket) -> None:
    taken, _ = listener.accept()
    taken.close()


def test_who_must_wait_to_be_taken_waits() -> None:
    with short_directory() as folder, socket.socket(socket.AF_UNIX) as busy:
        path = folder / "varlink.sock"
        busy.bind(str(path))
        busy.listen(0)
        with socket.socket(socket.AF_UNIX) as before:
            before.connect(str(path))
            with pytest.raises(GuestError), Connection(path, timeout=0.1):
                pytest.fail("nobody took the call")
            taking = threading.Timer(0.1, take_one, [busy])
            taking.start()
            with Connection(path, timeout=20):
                taking.join()
