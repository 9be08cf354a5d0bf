"""The agent's answers: a request never ends it, and the host learns of every failure at once."""

from __future__ import annotations

import builtins
from typing import Any

import pytest


class Said:
    """A port that keeps what the agent says."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        """Keep it."""
        self.messages.append(message)


@pytest.fixture
def served(agent: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An agent in a guest where everything works."""
    for module, name in (
        (agent.identity, "apply"),
        (agent.identity, "wake_containers"),
        (agent.disk, "bring"),
        (agent.power, "settle"),
        (agent.power, "off"),
        (agent.shares, "prepare"),
        (agent.main, "notify_systemd"),
    ):
        monkeypatch.setattr(module, name, lambda *_given: None)
    monkeypatch.setattr(agent.engine, "_freeze", lambda *, frozen: True)
    found = agent.main.Agent(Said())
    monkeypatch.setattr(found.engine, "listens", lambda: True)
    return found


def asked(served: Any, **request: Any) -> list[dict[str, Any]]:
    """What the agent says to one request."""
    served.port.messages.clear()
    served.answer(request)
    return list(served.port.messages)


def test_with_its_identity_a_machine_comes_up(served: Any) -> None:
    assert asked(served, id=1, do="identity") == [
        {"event": "stage", "stage": "taking its identity"},
        {"event": "stage", "stage": "mounting the data disk"},
        {"event": "stage", "stage": "starting the engine"},
        {"event": "ready"},
        {"id": 1, "ok": True, "ready": True, "stage": "starting the engine"},
    ]


def test_a_host_that_comes_back_hears_ready_again(served: Any) -> None:
    asked(served, id=1, do="identity")
    assert asked(served, id=1, do="identity")[0] == {"event": "ready"}


@pytest.mark.parametrize("kind", ["UnusableError", "OSError", "KeyError"])
def test_whatever_fails_on_the_way_is_told_at_once(
    agent: Any, served: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    error = getattr(agent.disk, kind, None) or getattr(builtins, kind)

    def fail(_say: object) -> None:
        raise error("mkfs ended with status 1")

    monkeypatch.setattr(agent.disk, "bring", fail)
    said = asked(served, id=1, do="identity")
    assert said[-2]["event"] == "failed"
    assert said[-2]["stage"] == "mounting the data disk"
    assert "mkfs ended with status 1" in said[-2]["message"]
    assert said[-1]["ok"] is False
    assert asked(served, id=2, do="status") == [
        {"id": 2, "ok": True, "ready": False, "stage": "mounting the data disk"}
    ]


@pytest.mark.parametrize("request_", [{"do": "dance"}, {}, {"do": ["x"]}])
def test_what_it_cannot_do_is_answered(served: Any, request_: dict[str, Any]) -> None:
    (answer,) = asked(served, id=7, **request_)
    assert (answer["id"], answer["ok"]) == (7, False)
    assert "not something this machine does" in answer["error"]


def test_power_off_is_answered_before_it_happens(
    agent: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(agent.power, "off", lambda: done.append("off"))
    (answer,) = asked(served, id=3, do="poweroff")
    assert answer["ok"]
    assert done == ["off"]


TABLE = """\
  sl  local_address rem_address   st tx_queue
   0: 00000000:0947 00000000:0000 0A 00000000:00000000
   1: 0F02000A:0947 0202000A:C001 01 00000000:00000000
   2: 0F02000A:0016 0202000A:C002 01 00000000:00000000
   3: 00000000:1947 00000000:0000 0A 00000000:00000000
"""


def test_listeners_and_connections_are_told_apart(agent: Any) -> None:
    count = agent.engine.connections
    assert count(TABLE, 2375, agent.engine.LISTENING) == 1
    assert count(TABLE, 2375, agent.engine.ESTABLISHED) == 1
    assert count(TABLE, 22, agent.engine.LISTENING) == 0
    assert count("", 22, agent.engine.LISTENING) == 0


def test_a_program_that_fails_is_told_with_its_status(agent: Any) -> None:
    agent.power.run("/bin/true")
    with pytest.raises(OSError, match="/bin/sh ended with status 3"):
        agent.power.run("/bin/sh", "-c", "exit 3")


def test_memory_that_is_others_too_is_given_back_only_once_it_is_its_own(
    agent: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[bool] = []
    monkeypatch.setattr(agent.power, "settle", lambda: settled.append(True))
    asked(served, id=1, do="identity", throwaway=True)
    assert settled == []
    for number in (2, 3):
        asked(served, id=number, do="identity", throwaway=False)
        assert settled == [True]


def test_the_engines_start_is_rehearsed_beside_its_data(
    agent: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[tuple[str, ...]] = []
    monkeypatch.setattr(agent.power, "run", lambda *words: lines.append(words))
    monkeypatch.setattr(agent.shares, "prepare", lambda: lines.append(("modules",)))
    (answer,) = asked(served, id=4, do="warm")
    assert answer == {"id": 4, "ok": True, "ready": False, "stage": served.stage}
    podman, remove, modules = lines
    assert modules == ("modules",)
    assert podman[2] == "/usr/bin/podman"
    assert "--root=/run/b2p-rehearsal/root" in podman
    assert remove == ("/usr/bin/rm", "-rf", "/run/b2p-rehearsal")
