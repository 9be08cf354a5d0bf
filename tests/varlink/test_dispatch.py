from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused, descriptors, given_back, watchers
from tests.varlink.fake_podman import lines
from tests.varlink.podman_json import EVENT, INSPECTED, VERSION

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

SERVICE = "org.varlink.service"


@pytest.mark.parametrize(
    ("method", "error", "parameters"),
    [
        ("io.podman.Nothing", "MethodNotFound", {"method": "Nothing"}),
        ("io.podman.Container", "MethodNotFound", {"method": "Container"}),
        ("io.podman.ErrorOccurred", "MethodNotFound", {"method": "ErrorOccurred"}),
        ("io.podman.__init__", "MethodNotFound", {"method": "__init__"}),
        (f"{SERVICE}.Resolve", "MethodNotFound", {"method": "Resolve"}),
        ("io.docker.Ps", "InterfaceNotFound", {"interface": "io.docker"}),
        ("../../etc/passwd.x", "InterfaceNotFound", {"interface": "../../etc/passwd"}),
        ("Ps", "InterfaceNotFound", {"interface": ""}),
        ("", "InterfaceNotFound", {"interface": ""}),
        ("io.podman.Ps", "InvalidParameter", {"parameter": "parameters"}),
    ],
)
def test_calls_of_what_is_not_there(ask: Asking, method: str, error: str, parameters: Any) -> None:
    with pytest.raises(Refused) as caught:
        ask.replies({"method": method})
    assert (caught.value.name, caught.value.parameters) == (f"{SERVICE}.{error}", parameters)


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        ([], "parameters"),
        ("x", "parameters"),
        (7, "parameters"),
        ({"opts": []}, "opts"),
        ({"opts": {"last": "3"}}, "opts.last"),
        ({"opts": {"filters": [1]}}, "opts.filters"),
    ],
)
def test_parameters_of_a_wrong_type(ask: Asking, parameters: Any, wrong: str) -> None:
    with pytest.raises(Refused) as caught:
        ask.replies({"method": "io.podman.Ps", "parameters": parameters})
    assert caught.value.name == f"{SERVICE}.InvalidParameter"
    assert caught.value.parameters == {"parameter": wrong}


@pytest.mark.parametrize("parameters", [{}, None, {"unknown": 1}])
def test_a_method_without_parameters_takes_any(
    ask: Asking, podman: FakePodman, parameters: Any
) -> None:
    podman.on("GET", "/containers/json", [])
    call = {"method": "io.podman.ListContainers", "parameters": parameters}
    assert ask.replies(call) == [{"parameters": {"containers": []}}]


def test_the_service_tells_of_itself(ask: Asking, podman: FakePodman) -> None:
    (reply,) = ask.replies({"method": f"{SERVICE}.GetInfo"})
    assert reply["parameters"] == {
        "vendor": "Atomic",
        "product": "podman",
        "version": "5.4.2",
        "url": "https://github.com/containers/libpod",
        "interfaces": [SERVICE, "io.podman"],
    }


def test_it_does_so_while_podman_is_down(ask: Asking) -> None:
    ask.dispatch.gateway.rest.path = "/nowhere"
    (reply,) = ask.replies({"method": f"{SERVICE}.GetInfo", "more": True})
    assert reply["parameters"]["version"] == ""
    assert "continues" not in reply
    with pytest.raises(Refused) as caught:
        ask("ListContainers")
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert "podman does not answer" in caught.value.parameters["reason"]


def test_interfaces_are_described(ask: Asking) -> None:
    method = f"{SERVICE}.GetInterfaceDescription"
    for name in ("io.podman", SERVICE):
        (reply,) = ask.replies({"method": method, "parameters": {"interface": name}})
        assert f"interface {name}" in reply["parameters"]["description"]
    with pytest.raises(Refused, match="InterfaceNotFound"):
        ask.replies({"method": method, "parameters": {"interface": "a.b"}})


def test_the_resolver(ask: Asking) -> None:
    method = "org.varlink.resolver.Resolve"
    (reply,) = ask.replies({"method": method, "parameters": {"interface": "io.podman"}})
    assert reply["parameters"] == {"address": "unix:/run/podman/io.podman"}
    with pytest.raises(Refused) as caught:
        ask.replies({"method": method, "parameters": {"interface": "a.b"}})
    assert caught.value.name == "org.varlink.resolver.InterfaceNotFound"


def test_a_oneway_call_is_done_and_not_answered(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/containers/web/json", INSPECTED)
    podman.on("POST", "/containers/web/kill", status=204)
    podman.on("GET", "/events", lines(EVENT))
    call = {"method": "io.podman.KillContainer", "parameters": {"name": "web"}, "oneway": True}
    assert ask.replies(call) == []
    assert podman.last("POST", "/containers/web/kill").query == {"signal": ["0"]}
    assert ask.replies({**call, "method": "io.podman.Nothing"}) == []
    assert ask.replies({**call, "method": "io.podman.GetEvents", "more": True}) == []


def test_a_room_that_fails_is_told_and_logged(
    ask: Asking, podman: FakePodman, capsys: pytest.CaptureFixture[str]
) -> None:
    podman.on("GET", "/containers/json", [{"no": "id"}])
    with pytest.raises(Refused) as caught:
        ask("ListContainers")
    assert caught.value.parameters == {"reason": "the gateway failed: KeyError: 'Id'"}
    assert "Traceback" in capsys.readouterr().err
    assert ask.replies({"method": f"{SERVICE}.GetInfo"})


def test_a_stream_that_fails_is_told(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/events", lines({"Actor": 5}))
    with pytest.raises(Refused, match="the gateway failed"):
        ask.more("GetEvents")


def test_a_client_that_leaves_ends_its_stream(
    ask: Asking, gateway: Any, podman: FakePodman
) -> None:
    hung_up = threading.Event()

    def silent(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        # Not before: who leaves earlier is not asked for.
        ask.here.close()
        handler.connection.settimeout(30)
        if not handler.connection.recv(1):
            hung_up.set()

    podman.answers["GET", "/events"] = silent
    call = {"method": "io.podman.GetEvents", "parameters": {}, "more": True}
    with pytest.raises(gateway("wire").VanishedError):
        ask.dispatch.answer(ask.connection, call)
    assert hung_up.wait(30)


def test_a_thousand_calls_hold_nothing(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/version", VERSION)
    ask("GetVersion")
    before = descriptors()
    parsed = len(ask.dispatch.interface("io.podman")._parsed)
    for _ in range(50):
        ask("GetVersion")
    assert given_back(before)
    assert watchers() == []
    assert len(ask.dispatch.interface("io.podman")._parsed) == parsed
    assert len(ask.dispatch.gateway.versions) == 1


def test_calls_at_once_on_one_dispatch(ask: Asking, gateway: Any, podman: FakePodman) -> None:
    podman.on("GET", "/version", VERSION)
    replies: list[bytes] = []

    def one() -> None:
        here, there = socket.socketpair()
        with here, there:
            here.sendall(b'{"method":"io.podman.GetVersion"}\0')
            here.shutdown(socket.SHUT_WR)
            ask.dispatch.serve(gateway("wire").Connection(there))
            replies.append(here.recv(1 << 16))

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(replies) == 20
    assert all(b'"version":"5.4.2"' in reply for reply in replies)


def test_podman_that_restarts(ask: Asking, podman: FakePodman) -> None:
    def dies(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")

    podman.answers["GET", "/containers/json"] = dies
    began = time.monotonic()
    with pytest.raises(Refused, match="podman does not answer"):
        ask("ListContainers")
    assert time.monotonic() - began < 30
    podman.on("GET", "/images/json", [])
    assert ask("ListImages") == {"images": []}
