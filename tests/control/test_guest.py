"""The control port: a guest that is slow, silent, hostile or gone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from b2p.control import guest
from b2p.control.errors import GoneError, RefusedError, SilentError
from b2p.control.guest import GuestPort
from tests.fakes import GuestFeed

if TYPE_CHECKING:
    from pathlib import Path

READY = b'{"event": "ready"}\n'


def first(port: GuestPort, timeout: float = 2) -> dict[str, Any]:
    return next(port.events(timeout))


def test_stages_and_ready_come_in_order(short: Path) -> None:
    script = b'{"event": "stage", "stage": "data disk"}\n' + READY
    with GuestFeed(short / "c", script), GuestPort(short / "c") as port:
        events = port.events(2)
        assert next(events) == {"event": "stage", "stage": "data disk"}
        assert next(events) == {"event": "ready"}


def test_lines_that_are_no_messages_are_passed_over(short: Path) -> None:
    script = b'half a line\n\n[1]\n\xff\xfe\n{"event": "sta\n' + b"x" * (1 << 20) + b"yz\n" + READY
    with GuestFeed(short / "c", script), GuestPort(short / "c") as port:
        assert first(port) == {"event": "ready"}


def test_a_client_begins_by_ending_its_predecessors_line(short: Path) -> None:
    with GuestFeed(short / "c", READY) as feed, GuestPort(short / "c") as port:
        one, two = port.send("identity", name="ä", time=1.5), port.send("poweroff")
        list(port.events(0.1))
        assert feed.raw.startswith(b"\n{")
        assert feed.heard == [
            {"id": one, "do": "identity", "name": "ä", "time": 1.5},
            {"id": two, "do": "poweroff"},
        ]


def test_events_end_quietly_with_their_time(short: Path) -> None:
    with GuestFeed(short / "c"), GuestPort(short / "c") as port:
        begun = time.monotonic()
        assert list(port.events(0.1)) == []
        assert 0.1 <= time.monotonic() - begun < 30


def test_a_guest_that_hangs_up_is_gone_after_its_last_words(short: Path) -> None:
    with GuestFeed(short / "c", READY, hangs_up=True), GuestPort(short / "c") as port:
        events = port.events(5)
        assert next(events) == {"event": "ready"}
        with pytest.raises(GoneError, match="hung up"):
            next(events)


def test_waiting_ends_at_once_when_qemu_is_dead(short: Path) -> None:
    with GuestFeed(short / "c"), GuestPort(short / "c", still_alive=lambda: False) as port:
        begun = time.monotonic()
        with pytest.raises(GoneError, match="qemu ended"):
            list(port.events(30))
        assert time.monotonic() - begun < 20


def test_whether_qemu_lives_is_not_asked_too_often(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest, "BETWEEN_LOOKS", 0.05)
    looks: list[float] = []

    def alive() -> bool:
        looks.append(time.monotonic())
        return True

    with GuestFeed(short / "c"), GuestPort(short / "c", still_alive=alive) as port:
        list(port.events(0.12))
    assert 1 <= len(looks) <= 4


def test_an_answer_is_found_among_events_which_are_kept(short: Path) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        return READY + json.dumps({"id": request["id"], "ok": True}).encode() + b"\n"

    with GuestFeed(short / "c", reply=reply), GuestPort(short / "c") as port:
        assert port.ask("status", timeout=2)["ok"] is True
        assert first(port) == {"event": "ready"}


def test_an_answer_to_who_was_here_before_is_nobodys(short: Path) -> None:
    late: list[int] = []

    def reply(request: dict[str, Any]) -> bytes:
        lines = [json.dumps({"id": number, "ok": True}) for number in late]
        late.append(request["id"])
        mine = json.dumps({"id": request["id"], "ok": True, "held": [f"{len(late)}"]})
        return "\n".join([*lines, mine, ""]).encode()

    for number in ("1", "2", "3"):
        with GuestFeed(short / number, reply=reply), GuestPort(short / number) as port:
            assert port.ask("unmount", timeout=2)["held"] == [number]


def test_a_refusal_of_the_guest_is_shown_without_its_escapes(short: Path) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        return json.dumps({"id": request["id"], "error": "no\x1b[2J disk\n"}).encode() + b"\n"

    with (
        GuestFeed(short / "c", reply=reply),
        GuestPort(short / "c") as port,
        pytest.raises(RefusedError, match=r"'freeze': no disk$"),
    ):
        port.ask("freeze", timeout=2)


def test_a_guest_without_an_answer_is_silent(short: Path) -> None:
    with (
        GuestFeed(short / "c"),
        GuestPort(short / "c") as port,
        pytest.raises(SilentError, match=r"'status' within 0\.1 s"),
    ):
        port.ask("status", timeout=0.1)


def test_no_socket_is_a_guest_that_is_gone(short: Path) -> None:
    with pytest.raises(GoneError, match="no such file"), GuestPort(short / "c"):
        pass


def test_an_identity_larger_than_a_sockets_buffer_is_sent_whole(short: Path) -> None:
    key = "k" * (1 << 20)
    with GuestFeed(short / "c", reply=lambda _: READY) as feed, GuestPort(short / "c") as port:
        port.send("identity", key=key)
        assert first(port, 10) == {"event": "ready"}
        assert feed.heard[0]["key"] == key
