"""When the agent asks to be suspended: after the whole time without anybody, and not before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agent.test_agent import TABLE, asked, served

__all__ = ["served"]

SNMP = "Tcp: RtoAlgorithm ActiveOpens PassiveOpens InSegs\nTcp: 1 {} 7 99\n"
LOOPBACK = "  sl  local rem st\n   0: 0100007F:0947 0100007F:C001 01 0:0\n"
CALL = "  sl  local rem st\n   0: 0F02000A:C003 6402000A:094A 01 0:0\n"


class Guest:
    """A guest's clock and counters, and the calls that its agent makes."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.connections = 5
        self.is_connected = False
        self.used = 3.0
        self.need = ""
        self.calls: list[tuple[str, str]] = []
        self.answer: object = {"ok": True}


@pytest.fixture
def guest(agent: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One of which the test decides what happens in it."""
    found = Guest()

    class Call:
        def __init__(self, token: str, verb: str) -> None:
            found.calls.append((token, verb))

        def answer(self) -> object:
            if isinstance(found.answer, Exception):
                raise found.answer
            return found.answer

        def left(self) -> float:
            return 15.0

    monkeypatch.setattr(agent.idleness.time, "monotonic", lambda: found.now)
    monkeypatch.setattr(agent.idleness, "connections", lambda: found.connections)
    monkeypatch.setattr(agent.idleness, "is_connected", lambda: found.is_connected)
    monkeypatch.setattr(agent.idleness, "processor_seconds", lambda: found.used)
    monkeypatch.setattr(agent.idleness, "needed", lambda: found.need)
    monkeypatch.setattr(agent.idleness.call, "Call", Call)
    return found


@pytest.fixture
def idleness(agent: Any, guest: Any) -> Any:
    """Told to ask after 100 seconds."""
    found = agent.idleness.Idleness()
    found.begin(100, "t")
    return found


def test_it_asks_once_the_time_is_over_and_again_only_after_as_long(
    idleness: Any, guest: Any
) -> None:
    assert idleness.tend(engine_sleeps=True) == 100
    guest.now += 60
    assert idleness.tend(engine_sleeps=True) == 40
    guest.now += 40
    assert idleness.tend(engine_sleeps=True) == 100
    assert guest.calls == [("t", "idle")]
    guest.now += 99
    assert idleness.tend(engine_sleeps=True) == 1
    assert len(guest.calls) == 1


def test_whoever_comes_meanwhile_begins_the_time_anew(idleness: Any, guest: Any) -> None:
    guest.now += 60
    guest.connections += 1
    assert idleness.tend(engine_sleeps=True) == 100
    guest.now += 60
    assert idleness.tend(engine_sleeps=False) is None
    guest.now += 60
    assert idleness.tend(engine_sleeps=True) == 40
    guest.is_connected = True
    assert idleness.tend(engine_sleeps=True) == 100
    guest.is_connected = False
    guest.now += 99
    assert idleness.tend(engine_sleeps=True) == 1
    assert guest.calls == []


@pytest.mark.parametrize("what", ["need", "used"])
def test_what_runs_keeps_it_awake(idleness: Any, guest: Any, what: str) -> None:
    guest.now += 100
    if what == "need":
        guest.need = "a container runs"
    else:
        guest.used += 11
    assert idleness.tend(engine_sleeps=True) == 100
    assert guest.calls == []
    guest.need = ""
    guest.now += 100
    idleness.tend(engine_sleeps=True)
    assert len(guest.calls) == 1


def test_an_answer_is_waited_for_without_asking_again(
    agent: Any, idleness: Any, guest: Any
) -> None:
    guest.answer = None
    guest.now += 100
    assert idleness.tend(engine_sleeps=True) == 15
    assert idleness.tend(engine_sleeps=True) == 15
    guest.answer = agent.call.RefusedError("no", again=True)
    assert idleness.tend(engine_sleeps=True) == 100
    assert len(guest.calls) == 1


@pytest.mark.parametrize(("seconds", "token"), [(0, "t"), (100, "")])
def test_without_a_wish_or_a_token_it_never_asks(
    idleness: Any, guest: Any, seconds: int, token: str
) -> None:
    idleness.begin(seconds, token)
    guest.now += 1000
    assert idleness.tend(engine_sleeps=True) is None
    assert guest.calls == []


def test_connections_that_lead_out_count_but_not_the_call_itself(agent: Any) -> None:
    assert agent.idleness.connected(TABLE)
    assert not agent.idleness.connected(LOOPBACK)
    assert not agent.idleness.connected(CALL)
    assert not agent.idleness.connected("")


def test_the_kernels_counters_are_read(
    agent: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    snmp, stat, events = (tmp_path / name for name in ("snmp", "stat", "events"))
    snmp.write_text("Ip: InReceives\nIp: 12\n" + SNMP.format(41))
    stat.write_text("cpu  100 0 200 9000 50 0 100 0 0 0\ncpu0 1 1\n")
    monkeypatch.setattr(agent.idleness, "COUNTERS", str(snmp))
    monkeypatch.setattr(agent.idleness, "PROCESSORS", str(stat))
    assert agent.idleness.connections() == 48
    assert agent.idleness.processor_seconds() == 4.0
    assert not agent.idleness._is_populated(str(events))
    events.write_text("populated 1\nfrozen 0\n")
    assert agent.idleness._is_populated(str(events))


def test_the_host_gives_time_and_token(agent: Any, served: Any, guest: Any) -> None:
    served.publisher.token = "t"
    asked(served, id=1, do="identity", idle_suspend=60)
    assert (served.idleness.seconds, served.idleness.token) == (60, "t")
    asked(served, id=2, do="identity")
    assert served.idleness.seconds == 60
    asked(served, id=3, do="identity", idle_suspend=0)
    assert served.idleness.seconds == 0


@pytest.mark.parametrize("verb", ["unmount", "freeze"])
def test_a_machine_that_is_needed_after_all_is_not_frozen(
    agent: Any, served: Any, guest: Any, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    done: list[str] = []
    monkeypatch.setattr(agent.disk, "freeze", lambda: done.append("freeze"))
    monkeypatch.setattr(served.shares, "leave", lambda: done.append("unmount"))
    guest.need = "somebody is connected"
    (answer,) = asked(served, id=1, do=verb, if_idle=True)
    assert answer["error"] == "somebody is connected"
    assert done == []
    assert asked(served, id=2, do=verb, if_idle=False)[0]["ok"]
    assert done == [verb]
