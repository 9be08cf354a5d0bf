from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.fake_podman import log
from tests.varlink.podman_json import CONTAINER_ID, INSPECTED

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

ATTACH = f"/containers/{CONTAINER_ID}/attach"
ENDED = {**INSPECTED, "State": {"Status": "exited", "ExitCode": 7}}
OUT, IN, ERROR, RESIZE, QUIT, HANG_UP = range(6)


def frame(destination: int, data: bytes = b"") -> bytes:
    return bytes((destination, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def frames(here: socket.socket) -> list[tuple[int, bytes]]:
    """All frames until the other end closes."""
    here.settimeout(5)
    told, found = b"", []
    while data := here.recv(1 << 16):
        told += data
    while told:
        length = int.from_bytes(told[4:8], "big")
        found.append((told[0], told[8 : 8 + length]))
        told = told[8 + length :]
    return found


def talking(ask: Asking) -> threading.Thread:
    def talk() -> None:
        ask.upgrade.talk(ask.connection)
        ask.connection.socket.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    return thread


def upgraded(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")


def echo(handler: Any) -> None:
    """Answers all input at its end, and a word on the other stream."""
    upgraded(handler)
    handler.connection.settimeout(5)
    told = handler.rfile.read()
    handler.wfile.write(log(1, told.decode()) + log(2, "done"))


@pytest.fixture
def web(podman: FakePodman) -> FakePodman:
    podman.on("GET", "/containers/web/json", INSPECTED)
    podman.on("GET", f"/containers/{CONTAINER_ID}/json", INSPECTED)
    podman.on("GET", f"/containers/{CONTAINER_ID}/json", ENDED)
    podman.on("POST", f"/containers/{CONTAINER_ID}/start", status=204)
    podman.on("POST", "/containers/web/exec", {"Id": "e1"}, status=201)
    podman.on("GET", "/exec/e1/json", {"ExitCode": 3, "Running": False})
    podman.on("POST", "/exec/e1/resize", status=201)
    podman.hijack(ATTACH, echo)
    podman.hijack("/exec/e1/start", echo)
    return podman


@pytest.mark.parametrize("start", [False, True])
def test_attaching(ask: Asking, web: FakePodman, *, start: bool) -> None:
    assert ask.upgraded("Attach", name="web", detachKeys="ctrl-x", start=start) == {}
    thread = talking(ask)
    ask.here.sendall(frame(IN, b"hel") + frame(IN, b"lo") + frame(HANG_UP))
    assert frames(ask.here) == [(OUT, b"hello"), (ERROR, b"done"), (QUIT, b"\0\0\0\7")]
    thread.join(5)
    assert web.last("POST", ATTACH).query == {
        "detachKeys": ["ctrl-x"],
        **{key: ["true"] for key in ("stream", "stdin", "stdout", "stderr")},
    }
    assert start == any(asked.path.endswith("/start") for asked in web.asked)


def test_a_client_that_detaches_is_told_at_once(
    ask: Asking, gateway: Any, web: FakePodman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway("rooms.sessions"), "PAUSE", 0.001)
    web.answers["GET", f"/containers/{CONTAINER_ID}/json"].clear()
    web.on("GET", f"/containers/{CONTAINER_ID}/json", INSPECTED)  # it runs on
    ask.upgraded("Attach", name="web")
    thread = talking(ask)
    ask.here.sendall(frame(HANG_UP))
    assert frames(ask.here)[-1] == (QUIT, b"\0\0\0\0")
    thread.join(5)


def test_a_terminal(ask: Asking, web: FakePodman) -> None:
    def terminal(handler: Any) -> None:
        upgraded(handler)
        handler.wfile.write(b"$ ")

    web.hijack(ATTACH, terminal)
    web.answers["GET", "/containers/web/json"].clear()
    web.on("GET", "/containers/web/json", {**INSPECTED, "Config": {"Tty": True}})
    ask.upgraded("Attach", name="web")
    talking(ask)
    assert frames(ask.here)[0] == (OUT, b"$ ")


def test_attaching_to_one_that_does_not_run(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/containers/web/json", ENDED)
    for name, reason in (("web", "does not run"), ("nobody", "no such object")):
        with pytest.raises(Refused, match=reason) as caught:
            ask.upgraded("Attach", name=name)
        assert caught.value.name == "io.podman.ErrorOccurred"


def test_a_start_that_fails(ask: Asking, web: FakePodman) -> None:
    web.answers["POST", f"/containers/{CONTAINER_ID}/start"].clear()
    web.refuse("POST", f"/containers/{CONTAINER_ID}/start", 500, "crun: no")
    with pytest.raises(Refused, match="crun: no"):
        ask.upgraded("Attach", name="web", start=True)


def test_a_command(ask: Asking, web: FakePodman) -> None:
    opts = {"name": "web", "cmd": ["cat"], "env": ["A=b"], "user": "me"}
    ask.upgraded("ExecContainer", opts=opts)
    thread = talking(ask)
    ask.here.sendall(frame(RESIZE, b'{"Width": 80, "Height": 24}') + frame(RESIZE, b"[1e999]"))
    ask.here.sendall(
        frame(RESIZE, b'{"Width": 1e999, "Height": 1}') + frame(IN, b"x") + frame(HANG_UP)
    )
    assert frames(ask.here) == [(OUT, b"x"), (ERROR, b"done"), (QUIT, b"\0\0\0\3")]
    thread.join(5)
    body = web.last("POST", "/containers/web/exec").json
    assert (body["Cmd"], body["Env"], body["User"], body["Tty"]) == (["cat"], ["A=b"], "me", False)
    assert web.last("POST", "/exec/e1/resize").query == {"w": ["80"], "h": ["24"]}
    assert json.loads(web.last("POST", "/exec/e1/start").body) == {"Detach": False, "Tty": False}


def test_a_command_where_no_container_is(ask: Asking, podman: FakePodman) -> None:
    with pytest.raises(Refused) as caught:
        ask.upgraded("ExecContainer", opts={"name": "nobody", "cmd": ["x"]})
    assert caught.value.name == "io.podman.ContainerNotFound"
    assert caught.value.parameters["id"] == "nobody"
    podman.refuse("POST", "/containers/web/exec", 409, "container is not running")
    with pytest.raises(Refused, match="is not running"):
        ask.upgraded("ExecContainer", opts={"name": "web", "cmd": ["x"]})


@pytest.mark.parametrize("last", [b"", b"\1\0\0", frame(IN, b"")[:4] + b"\xff" * 4])
def test_a_client_that_vanishes_ends_the_session(ask: Asking, web: FakePodman, last: bytes) -> None:
    ended = threading.Event()

    def waits(handler: Any) -> None:
        upgraded(handler)
        handler.connection.settimeout(5)
        if not handler.rfile.read():
            ended.set()

    web.hijack("/exec/e1/start", waits)
    ask.upgraded("ExecContainer", opts={"name": "web", "cmd": ["cat"]})
    thread = talking(ask)
    ask.here.sendall(last)
    ask.here.shutdown(socket.SHUT_WR)
    thread.join(5)
    assert not thread.is_alive()
    assert ended.wait(5)
    assert frames(ask.here) == []
