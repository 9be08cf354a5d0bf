"""The agent around a saved state: frozen never for long, awake with new randomness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.test_agent import TABLE, asked, served

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["served"]


@pytest.fixture
def done(agent: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to the disk and to connections, by an agent that came up."""
    found: list[str] = []
    for name in ("freeze", "thaw"):
        monkeypatch.setattr(agent.disk, name, lambda name=name: found.append(name))
    monkeypatch.setattr(agent.resumed, "connections", lambda: [7])
    monkeypatch.setattr(agent.resumed, "sever", lambda ports: found.append(f"sever {ports}"))
    monkeypatch.setattr(served.engine, "tend", lambda: 100.0)
    asked(served, id=1, do="identity")
    return found


def test_a_frozen_disk_thaws_by_itself_when_the_host_is_silent(
    agent: Any, served: Any, done: list[str]
) -> None:
    asked(served, id=2, do="freeze")
    assert 0 < served.tend() <= agent.main.FROZEN_SECONDS
    assert done == ["freeze"]
    served.thaw_at -= agent.main.FROZEN_SECONDS + 1
    assert served.tend() == 100.0
    assert done == ["freeze", "thaw"]
    served.tend()
    assert done == ["freeze", "thaw"]


def test_freezing_again_waits_longer_and_thawing_again_does_nothing(
    served: Any, done: list[str]
) -> None:
    asked(served, id=2, do="freeze")
    first = served.thaw_at
    asked(served, id=3, do="freeze")
    assert served.thaw_at >= first
    asked(served, id=4, do="thaw")
    (answer,) = asked(served, id=5, do="thaw")
    assert answer["ok"]
    assert done == ["freeze", "thaw"]


def test_a_resumed_machine_thaws_and_ends_dead_connections(served: Any, done: list[str]) -> None:
    asked(served, id=2, do="freeze")
    said = asked(served, id=3, do="identity", entropy="00")
    assert said[0] == {"event": "ready"}
    assert done == ["freeze", "thaw", "sever [7]"]


def test_connections_made_since_the_resume_live(
    agent: Any, served: Any, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(served, id=2, do="freeze")
    monkeypatch.setattr(agent.resumed, "connections", lambda: [7, 8])
    asked(served, id=3, do="identity", entropy="00")
    assert done[-1] == "sever [7]"


def test_a_host_that_only_asks_again_ends_no_connection(served: Any, done: list[str]) -> None:
    asked(served, id=2, do="identity")
    assert done == []


def test_only_established_connections_with_the_host_are_dead(agent: Any) -> None:
    assert agent.resumed.peers(TABLE, "0202000A") == [0xC001, 0xC002]
    assert agent.resumed.peers(TABLE, "0302000A") == []
    assert agent.resumed.peers("", "0202000A") == []


def test_entropy_reaches_the_kernel(
    agent: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[bytes] = []
    monkeypatch.setattr(agent.resumed, "reseed", seen.append)
    monkeypatch.setattr(agent.identity, "RUN", str(tmp_path))
    agent.identity.apply({"entropy": "00ff"})
    assert seen == [b"\x00\xff"]
