"""Netavark's rules as the kernel tells them over netlink, and what is told to the host of them."""

from __future__ import annotations

import struct
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def attribute(kind: int, content: bytes) -> bytes:
    text = struct.pack("=HH", 4 + len(content), kind) + content
    return text + bytes(-len(text) % 4)


def expression(name: str, *parts: tuple[int, bytes]) -> bytes:
    data = b"".join(attribute(kind, content) for kind, content in parts)
    inner = attribute(1, name.encode() + b"\0") + attribute(0x8002, data)
    return attribute(0x8001, inner)


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def compared(value: bytes, operation: int = 0) -> bytes:
    return expression("cmp", (1, number(1)), (2, number(operation)), (3, attribute(1, value)))


def payload(base: int, offset: int, length: int) -> bytes:
    return expression("payload", (2, number(base)), (3, number(offset)), (4, number(length)))


def rule(
    *,
    port: int = 8080,
    target: tuple[str, int] = ("10.88.0.2", 80),
    address: str = "",
    protocol: int = 6,
    table: str = "netavark",
    family: int = 2,
) -> bytes:
    """The body of a message that tells of a rule: [ip daddr A] tcp dport P dnat ip to T."""
    expressions = b""
    if address:
        expressions += payload(1, 16, 4) + compared(bytes(map(int, address.split("."))))
    expressions += expression("meta", (1, number(1)), (2, number(16))) + compared(bytes([protocol]))
    expressions += payload(2, 2, 2) + compared(port.to_bytes(2, "big"))
    raw = bytes(map(int, target[0].split(".")))
    expressions += expression("immediate", (1, number(1)), (2, attribute(1, raw)))
    to = target[1].to_bytes(2, "big")
    expressions += expression("immediate", (1, number(2)), (2, attribute(1, to)))
    nat = [(1, number(1)), (2, number(family)), (3, number(1)), (5, number(2))]
    expressions += expression("nat", *nat)
    names = attribute(1, table.encode() + b"\0") + attribute(2, b"nv_x_dnat\0")
    return names + attribute(0x8004, expressions)


def read(agent: Any, message: bytes) -> list[tuple[Any, ...]]:
    return [
        (one.protocol, one.address, one.port, one.target, one.target_port)
        for one in agent.rules._translation(message)
    ]


def test_a_rule_is_read(agent: Any) -> None:
    assert read(agent, rule()) == [("tcp", "", 8080, "10.88.0.2", 80)]
    inner = rule(address="127.0.0.1", protocol=17, port=53)
    assert read(agent, inner) == [("udp", "127.0.0.1", 53, "10.88.0.2", 80)]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0" * 40,
        b"\xff" * 40,
        rule(table="other"),
        rule(family=10),
        rule(protocol=132),
        rule()[:-20],
        attribute(1, b"netavark\0") + attribute(4, payload(2, 2, 2) + compared(b"\0\x50")),
    ],
)
def test_other_rules_are_none_of_ours(agent: Any, message: bytes) -> None:
    assert read(agent, message) == []


def test_the_kernels_answer_comes_in_pieces(agent: Any) -> None:
    def message(kind: int, body: bytes) -> bytes:
        header = struct.pack("=IHHII", 20 + len(body), kind, 2, 1, 0)
        return header + struct.pack(">BBH", 1, 0, 0) + body

    first = message(0x0A06, rule(port=1)) + message(0x0A06, rule(port=2))
    pieces = [first, message(0x0A06, rule(port=3)) + message(3, b""), b"never read"]
    found = list(agent.rules._answers(SimpleNamespace(recv=lambda _size: pieces.pop(0))))
    assert [one for body in found for one in read(agent, body)] == [
        ("tcp", "", port, "10.88.0.2", 80) for port in (1, 2, 3)
    ]


def test_a_machine_without_such_a_table_publishes_nothing(agent: Any) -> None:
    error = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -2) + bytes(16)
    assert list(agent.rules._answers(SimpleNamespace(recv=lambda _size: error))) == []


class Heard:
    """A socket with these messages, or errors, and then none."""

    def __init__(self, *messages: object) -> None:
        self.messages = list(messages)

    def recv(self, _size: int) -> bytes:
        if not self.messages:
            raise BlockingIOError
        one = self.messages.pop(0)
        if isinstance(one, Exception):
            raise one
        assert isinstance(one, bytes)
        return one


def test_changes_of_ports_are_told_from_others(agent: Any) -> None:
    assert not agent.rules.changed(Heard())
    assert not agent.rules.changed(Heard(b"table netavark\0chain NETAVARK-ISOLATION-3\0"))
    assert agent.rules.changed(Heard(b"other", b"nv_x_dnat\0", b"other"))
    assert agent.rules.changed(Heard(OSError(105, "No buffer space available")))


def translation(agent: Any, port: int, address: str = "", protocol: str = "tcp") -> Any:
    return agent.rules.Translation(protocol, address, port, "10.88.0.2", 80)


class World:
    """The kernel, the host and nft, as far as a publisher meets them."""

    def __init__(self, agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: list[Any] = []
        self.calls: list[tuple[str, list[tuple[Any, ...]], bool]] = []
        self.scripts: list[str] = []
        self.error: Exception | None = None
        self.thinks = False
        self.changed = False
        monkeypatch.setattr(agent.rules, "watch", lambda: "heard")
        monkeypatch.setattr(agent.rules, "changed", lambda _heard: self._is_changed())
        monkeypatch.setattr(agent.rules, "translations", lambda: self.found)
        self.cores: list[Any] = []
        scopes = SimpleNamespace(changed=self._is_changed)
        monkeypatch.setattr(agent.rootless, "of_core", lambda _before: scopes)
        monkeypatch.setattr(agent.rootless, "translations", lambda: self.cores)
        monkeypatch.setattr(agent.call, "Call", self.call)
        monkeypatch.setattr(
            agent.power, "run_with", lambda text, *_words: self.scripts.append(text)
        )

    def _is_changed(self) -> bool:
        self.changed, changed = False, self.changed
        return changed

    def call(self, token: str, verb: str, *, ports: list[Any], all: bool) -> Any:  # noqa: A002
        """One that is answered when somebody looks, unless the host thinks."""
        assert token == "secret"

        def answer() -> dict[str, Any] | None:
            if self.thinks:
                return None
            if self.error:
                raise self.error
            self.calls.append((verb, [tuple(one.values()) for one in ports], all))
            return {"ok": True}

        return SimpleNamespace(answer=answer, left=lambda: 9.0)

    def told(self) -> list[tuple[str, list[tuple[Any, ...]], bool]]:
        self.calls, calls = [], self.calls
        return calls


@pytest.fixture
def world(agent: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(agent, monkeypatch)


def test_ports_are_told_as_they_come_and_go(agent: Any, world: World) -> None:
    publisher = agent.publish.Publisher()
    assert publisher.tend() is None
    world.found = [translation(agent, 1)]
    publisher.begin("secret")
    assert publisher.tend() is None
    assert world.told() == [("publish", [("tcp", 1, False)], True)]
    world.found = [translation(agent, 2, protocol="udp")]
    assert publisher.tend() is None
    assert world.told() == []
    world.changed = True
    publisher.tend()
    assert world.told() == [
        ("unpublish", [("tcp", 1, False)], False),
        ("publish", [("udp", 2, False)], False),
    ]
    # After a resume the new QEMU forwards nothing.
    publisher.begin("secret")
    publisher.tend()
    assert world.told() == [("publish", [("udp", 2, False)], True)]


def test_ports_of_loopback_are_led_to_their_container(agent: Any, world: World) -> None:
    world.found = [translation(agent, 5432, "127.0.0.1"), translation(agent, 53, "10.89.0.1")]
    publisher = agent.publish.Publisher()
    publisher.begin("secret")
    publisher.tend()
    assert world.told() == [("publish", [("tcp", 5432, True)], True)]
    line = "ip saddr 10.0.2.2 ip daddr 10.0.2.15 tcp dport 5432 dnat ip to 10.88.0.2:80"
    assert line in world.scripts[-1]
    assert "dport 53" not in world.scripts[-1]
    count = len(world.scripts)
    world.changed = True
    publisher.tend()
    assert len(world.scripts) == count
    world.found = []
    world.changed = True
    publisher.tend()
    assert world.scripts[-1] == "flush chain inet b2p loopback\n"


def test_ports_of_cores_containers_are_told_too(
    agent: Any, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent.publish, "ROUTE_LOOPBACK", str(tmp_path / "knob"))
    of_core = partial(agent.rules.Translation, "tcp")
    world.found = [translation(agent, 1)]
    world.cores = [of_core("", 8080, "127.0.0.1", 8080)]
    publisher = agent.publish.Publisher()
    publisher.begin("secret")
    publisher.tend()
    assert world.told() == [("publish", [("tcp", 1, False), ("tcp", 8080, False)], True)]
    assert not (tmp_path / "knob").exists()
    world.cores = [of_core("127.0.0.1", 5432, "127.0.0.1", 5432)]
    world.changed = True
    publisher.tend()
    assert world.told() == [
        ("unpublish", [("tcp", 8080, False)], False),
        ("publish", [("tcp", 5432, True)], False),
    ]
    assert "dport 5432 dnat ip to 127.0.0.1:5432" in world.scripts[-1]
    assert (tmp_path / "knob").read_text() == "1"


def test_a_host_that_is_busy_is_asked_again_and_not_for_ever(
    agent: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(agent.publish, "time", SimpleNamespace(monotonic=lambda: now[0]))
    world.error = agent.call.RefusedError("busy", again=True)
    publisher = agent.publish.Publisher()
    publisher.begin("secret")
    pauses = []
    while (pause := publisher.tend()) is not None:
        pauses.append(pause)
        now[0] += pause
    assert pauses == list(agent.publish.AGAIN_SECONDS)
    world.error, world.changed = None, True
    publisher.tend()
    assert world.told() == [("publish", [], True)]


@pytest.mark.parametrize("again", [True, False])
def test_what_fails_does_not_end_the_agent(agent: Any, world: World, again: bool) -> None:
    world.error = agent.call.RefusedError("no", again=again)
    publisher = agent.publish.Publisher()
    publisher.begin("secret")
    assert (publisher.tend() is not None) is again


def test_a_host_that_thinks_keeps_nobody_waiting(agent: Any, world: World) -> None:
    world.thinks = True
    publisher = agent.publish.Publisher()
    publisher.begin("secret")
    assert publisher.tend() == 9.0
    world.found, world.changed = [translation(agent, 1)], True
    assert publisher.tend() == 9.0
    world.thinks = False
    assert publisher.tend() is None
    assert world.told() == [("publish", [], True), ("publish", [("tcp", 1, False)], False)]


def test_all_ports_are_known_to_whoever_asks(agent: Any, world: World) -> None:
    world.found = [translation(agent, 1), translation(agent, 2, "127.0.0.1")]
    assert agent.publish.Publisher().ports() == [
        {"protocol": "tcp", "port": 1, "loopback": False},
        {"protocol": "tcp", "port": 2, "loopback": True},
    ]
