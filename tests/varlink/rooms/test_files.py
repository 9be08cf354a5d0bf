from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused, descriptors, given_back

if TYPE_CHECKING:
    from tests.varlink.asking import Asking


def left(ask: Asking) -> list[str]:
    return [path.name for path in Path(ask.spool.directory).iterdir()]


def test_a_file_comes_in(ask: Asking) -> None:
    content = os.urandom(700_000)
    handle = ask.upgraded("SendFile", type="", length=len(content))["file_handle"]
    sender = threading.Thread(target=ask.here.sendall, args=(content,))
    sender.start()
    assert not Path(handle).exists()
    ask.upgrade.talk(ask.connection)
    sender.join(5)
    assert ask.received() == f"{handle}:".encode()
    assert Path(handle).read_bytes() == content


def test_an_empty_file_comes_in(ask: Asking) -> None:
    handle = ask.upgraded("SendFile", length=0)["file_handle"]
    ask.upgrade.talk(ask.connection)
    assert ask.received() == f"{handle}:".encode()
    assert Path(handle).read_bytes() == b""


def test_half_a_file_is_none(ask: Asking) -> None:
    ask.upgraded("SendFile", length=100)
    ask.here.sendall(b"half")
    ask.here.close()
    with pytest.raises(EOFError, match="96 bytes early"):
        ask.upgrade.talk(ask.connection)
    assert left(ask) == []


@pytest.mark.parametrize(("length", "reason"), [(-1, "no length"), (1 << 62, "no room")])
def test_a_file_that_cannot_come(ask: Asking, length: int, reason: str) -> None:
    call = {"method": "io.podman.SendFile", "upgrade": True, "parameters": {"length": length}}
    with pytest.raises(Refused, match=reason) as caught:
        ask.replies(call)
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert left(ask) == []


@pytest.mark.parametrize("method", ["SendFile", "ReceiveFile"])
def test_a_caller_that_leaves_before_the_reply(ask: Asking, gateway: Any, method: str) -> None:
    with ask.spool.draft("a") as draft:
        draft.file.write(b"x")
    before = descriptors()
    ask.here.close()
    call = {"method": f"io.podman.{method}", "upgrade": True,
            "parameters": {"length": 5, "path": "a"}}  # fmt: skip
    with pytest.raises(gateway("wire").VanishedError):
        ask.dispatch.answer(ask.connection, call)
    assert left(ask) == ["a"]
    assert given_back(before - 1)


@pytest.mark.parametrize("delete", [False, True])
@pytest.mark.parametrize("length", [0, 5, 500_000])
def test_a_file_goes_out(ask: Asking, *, delete: bool, length: int) -> None:
    content = os.urandom(length)
    with ask.spool.draft("a/b") as draft:
        draft.file.write(content)
    told = ask.upgraded("ReceiveFile", path="/a/b", delete=delete)
    assert told == {"len": length}
    talk = threading.Thread(target=ask.upgrade.talk, args=(ask.connection,))
    talk.start()
    got = b""
    while len(got) < length:
        got += ask.here.recv(1 << 16)
    talk.join(5)
    assert got == content
    assert Path(draft.path).exists() == (not delete)


def test_a_file_that_did_not_arrive_is_kept(ask: Asking, gateway: Any) -> None:
    with ask.spool.draft("a") as draft:
        draft.file.write(b"x" * 1_000_000)
    ask.upgraded("ReceiveFile", path="a", delete=True)
    ask.here.close()
    with pytest.raises(gateway("wire").VanishedError):
        ask.upgrade.talk(ask.connection)
    assert left(ask) == ["a"]


@pytest.mark.parametrize("path", ["absent", "../x", "", "/etc/passwd"])
def test_no_such_file(ask: Asking, path: str) -> None:
    call = {"method": "io.podman.ReceiveFile", "upgrade": True, "parameters": {"path": path}}
    with pytest.raises(Refused, match="spool"):
        ask.replies(call)


@pytest.mark.parametrize("method", ["SendFile", "ReceiveFile", "Attach", "ExecContainer"])
def test_they_need_an_upgraded_connection(ask: Asking, method: str) -> None:
    with pytest.raises(Refused, match="needs an upgraded connection") as caught:
        ask(method)
    assert caught.value.name == "io.podman.ErrorOccurred"
    oneway = {"method": f"io.podman.{method}", "parameters": {}, "upgrade": True, "oneway": True}
    assert ask.replies(oneway) == []
    assert (ask.upgrade, left(ask)) == (None, [])
