"""A call goes its way without anybody waiting for it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def host(agent: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where calls come in."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        monkeypatch.setattr(agent.addresses, "CALLS_ADDRESS", "127.0.0.1")
        monkeypatch.setattr(agent.addresses, "CALLS_PORT", str(server.getsockname()[1]))
        yield server


def outcome(call: Any) -> Any:
    """What the call comes to, looked at as the agent does."""
    import time

    for _ in range(3000):
        if (answer := call.answer()) is not None:
            return answer
        time.sleep(0.01)
    raise AssertionError("no answer")


def test_a_call_is_answered(agent: Any, host: socket.socket) -> None:
    call = agent.call.Call("secret", "publish", ports=[], all=True)
    peer, _ = host.accept()
    with peer, peer.makefile("rb") as lines:
        assert call.answer() is None
        request = json.loads(lines.readline())
        assert request == {"token": "secret", "call": "publish", "ports": [], "all": True}
        peer.sendall(b'{"ok": tr')
        assert call.answer() is None
        peer.sendall(b"ue}\n")
        assert outcome(call) == {"ok": True}


@pytest.mark.parametrize(
    ("said", "again"),
    [
        (b"", True),
        (b"nonsense\n", True),
        (b'{"ok": false, "again": true}\n', True),
        (b'{"ok": false, "again": false}\n', False),
        (b"[]\n", False),
    ],
)
def test_what_is_no_success_is_told(
    agent: Any, host: socket.socket, said: bytes, again: bool
) -> None:
    call = agent.call.Call("secret", "idle")
    peer, _ = host.accept()
    with peer:
        call.answer()
        peer.recv(999)
        peer.sendall(said)
    with pytest.raises(agent.call.RefusedError) as caught:
        outcome(call)
    assert caught.value.again is again


def test_a_host_that_is_not_there_or_silent_is_given_up(
    agent: Any, host: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent.call, "SECONDS", 0.05)
    with pytest.raises(agent.call.RefusedError, match="not within"):
        outcome(agent.call.Call("secret", "idle"))
    host.close()
    with pytest.raises(agent.call.RefusedError, match="refused"):
        outcome(agent.call.Call("secret", "idle"))
