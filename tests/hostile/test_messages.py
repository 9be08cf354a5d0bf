"""What talks to b2p: the guest at the control port, its host calls, QEMU's monitor, services."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b2p.calls.request import MalformedError, parsed
from b2p.client import api, varlink
from b2p.control import liveness, usernet
from b2p.control.guest import GuestPort
from b2p.control.lines import Lines
from b2p.control.monitor import Monitor
from b2p.control.quick import QuickMonitor
from b2p.ready import told_problems
from tests.fakes import GREETING, UnixServer, short_directory
from tests.hostile_input import DEEP, harmless, json_values, objects, spoiled

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

few = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Parrot(UnixServer):
    """Says the same to everybody who connects, and hangs up, or waits where it `stays`."""

    said = b""
    stays = False

    def serve(self, peer: socket.socket) -> None:
        """Say it, however little is listened to."""
        listening = threading.Thread(target=self._listen_away, args=(peer,), daemon=True)
        listening.start()
        peer.sendall(self.said)
        if self.stays:
            self.stopping.wait(10)

    def _listen_away(self, peer: socket.socket) -> None:
        try:
            while peer.recv(65536):
                pass
        except OSError:
            return


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    with short_directory() as folder, Parrot(folder / "s") as server:
        yield server


EVENTS = {
    "event": "ready",
    "stage": "s",
    "problems": ["a"],
    "id": 1,
    "error": "e",
    "held": ["x"],
    "ports": [{"protocol": "tcp", "port": 80, "loopback": True}],
    "message": "m",
    "ready": True,
}
lines = st.lists(
    objects(**EVENTS).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60)
    | st.just(DEEP),
    max_size=6,
).map(lambda found: b"\n".join([*found, b""]))


@few
@given(lines)
def test_a_guest_that_says_anything_at_the_control_port(parrot: Parrot, said: bytes) -> None:
    parrot.said = said
    with harmless(), GuestPort(parrot.path) as port:
        for event in port.events(0.3):
            told_problems(event, lambda *_: None)


@few
@given(lines)
def test_a_guest_that_answers_anything(parrot: Parrot, said: bytes) -> None:
    parrot.said = said
    with harmless(), GuestPort(parrot.path) as port:
        port.ask("status", timeout=0.3)


def test_a_guest_that_talks_without_end_is_not_listened_to_without_end(parrot: Parrot) -> None:
    parrot.said = b'{"event": "x"}\n' * 600_000
    parrot.stays = True
    with harmless(), GuestPort(parrot.path) as port:
        port.ask("status", timeout=0.3)
        raise AssertionError("nobody has answered")
    parrot.stays = False


@given(st.lists(st.binary(max_size=40) | st.just(b"x" * (1 << 20)), max_size=5))
def test_lines_of_any_length_take_little_memory(parts: list[bytes]) -> None:
    with harmless():
        listener = Lines()
        for part in parts:
            assert all(len(line) <= 1 << 20 for line in listener.feed(part))


CALL = {
    "token": "t" * 64,
    "call": "publish",
    "all": True,
    "ports": [{"protocol": "tcp", "port": 8080, "loopback": False}],
}


@given(
    (objects(**CALL) | json_values).map(lambda value: json.dumps(value).encode()) | st.just(DEEP)
)
def test_a_host_call_of_any_kind(line: bytes) -> None:
    with harmless():
        try:
            found = parsed(line, "t" * 64)
        except MalformedError:
            return
        assert found.verb in ("publish", "unpublish", "idle")
        assert all(1 <= wish.port <= 65535 for wish in found.wishes)


def greeted(*messages: object) -> bytes:
    """QEMU's greeting, the end of the negotiation, and then these."""
    said = [GREETING, {"return": {}}, *messages]
    return b"".join(json.dumps(one).encode() + b"\r\n" for one in said)


REPLY = {
    "return": {"UUID": "x", "status": "running"},
    "error": {"class": "GenericError", "desc": "d"},
    "id": "1",
    "event": "STOP",
    "data": {},
    "timestamp": {"seconds": 1, "microseconds": 0},
}
talks = st.lists(objects(**REPLY) | json_values, max_size=4).map(lambda found: greeted(*found))
monologues = (
    talks | spoiled(greeted({"return": "text"})) | st.just(DEEP) | st.just(b"x" * (1 << 21))
)


@few
@given(monologues)
def test_a_quick_monitor_meets_anything(parrot: Parrot, said: bytes) -> None:
    parrot.said = said
    with harmless(), QuickMonitor(parrot.path, timeout=0.3) as monitor:
        monitor.forwards()


def test_a_monitor_that_talks_without_end_is_left(parrot: Parrot) -> None:
    parrot.said = greeted() + b'{"event": "x"}\n' * 600_000
    parrot.stays = True
    with harmless(), QuickMonitor(parrot.path, timeout=0.5) as monitor:
        monitor.forwards()
        raise AssertionError("nobody has answered")
    parrot.stays = False


def numbered(value: object) -> bytes:
    """An answer to qemu.qmp's first command after the negotiation, whose ids it counts."""
    return greeted({"return": value, "id": "__qmp#00001"})


@few
@given(monologues | json_values.map(numbered))
def test_a_monitor_meets_anything(parrot: Parrot, said: bytes) -> None:
    parrot.said = said
    with harmless(), Monitor(parrot.path, timeout=0.3) as monitor:
        monitor.query_uuid()


@pytest.mark.parametrize("question", ["query_uuid", "query_status", "is_taken"])
@few
@given(json_values)
def test_a_qemu_that_answers_anything(parrot: Parrot, question: str, value: object) -> None:
    words = ("console",) if question == "is_taken" else ()
    with harmless():
        answering(Monitor.__new__(Monitor), value).__getattribute__(question)(*words)


def answering(monitor: Monitor, value: object) -> Monitor:
    """One whose QEMU answers every command so."""

    def execute(*_words: object, **_more: object) -> Any:
        return value

    monitor.execute = execute  # type: ignore[method-assign]
    return monitor


@few
@given(monologues)
def test_whether_a_machine_runs_is_known_whatever_is_said(parrot: Parrot, said: bytes) -> None:
    parrot.said = said
    with harmless():
        found = liveness.ask_all({"a": (parrot.path, "x")}, 0.3)
        assert isinstance(found["a"].run_state, str)


ROW = "  TCP[HOST_FORWARD]  13  127.0.0.1 8080  10.0.2.15 80  0  0\n"


@given(spoiled(ROW.encode() * 3).map(lambda raw: raw.decode("utf-8", "replace")) | st.text())
def test_a_table_of_forwards_of_any_form(text: str) -> None:
    with harmless():
        usernet.forwards(text)
        usernet.host_port(text, 80)
        usernet.add_failure(text)
        usernet.remove_failure(text)


@few
@given(
    st.lists(json_values, max_size=3).map(
        lambda found: b"\0".join(json.dumps(one).encode() for one in found) + b"\0"
    )
)
def test_a_varlink_service_that_says_anything(parrot: Parrot, said: bytes) -> None:
    parrot.said = said
    with harmless(), varlink.Connection(parrot.path, timeout=0.3) as service:
        for one in service.stream("io.podman.Ping"):
            assert isinstance(one, dict)


HTTP = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"Version": "5.4"}'


@few
@given(
    spoiled(HTTP)
    | st.just(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 20))
    | st.just(HTTP[:38] + DEEP)
)
def test_an_engine_that_says_anything(parrot: Parrot, said: bytes) -> None:
    parrot.said = said
    with harmless():
        api.ping(parrot.path, 0.3)
        api.version(parrot.path, 0.3)
