"""The engine's API over a unix socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from b2p.client.api import Ping, await_ping, ping, version
from b2p.errors import GuestError
from tests.fakes import HANGS, HANGS_UP, Pinger

if TYPE_CHECKING:
    from pathlib import Path

OK = (200, b"OK")


def test_an_engine_that_answers_is_there(short: Path) -> None:
    with Pinger(short / "p") as engine:
        assert ping(short / "p")
        assert engine.requests == ["GET /_ping HTTP/1.1"]


@pytest.mark.parametrize(
    ("answer", "timeout", "reason"),
    [
        ((500, b"no"), 30, "HTTP status 500"),
        (HANGS_UP, 30, "it hung up before it answered"),
        (HANGS, 0.1, "no answer within 0.1 s"),
    ],
)
def test_one_that_does_not_is_told_why(
    short: Path, answer: object, timeout: float, reason: str
) -> None:
    with Pinger(short / "p", answer):
        assert ping(short / "p", timeout) == Ping(answered=False, reason=reason)


def test_no_socket_and_nobody_listening_are_told_apart(short: Path) -> None:
    with Pinger(short / "p"):
        (short / "kept").hardlink_to(short / "p")
    assert ping(short / "kept").reason == "nobody listens"
    assert ping(short / "p").reason == "there is no socket"


def test_a_request_that_hangs_is_given_up_for_the_next(short: Path) -> None:
    with Pinger(short / "p", HANGS, HANGS_UP, (500, b""), OK) as engine:
        begun = time.monotonic()
        assert await_ping(short / "p", timeout=60, attempt=0.1)
        assert time.monotonic() - begun < 30
        assert engine.accepted == 4


def test_waiting_ends_with_its_time_and_the_last_reason(short: Path) -> None:
    with Pinger(short / "p", (503, b"")):
        begun = time.monotonic()
        assert await_ping(short / "p", timeout=3).reason == "HTTP status 503"
        assert time.monotonic() - begun < 30


def test_waiting_ends_at_once_when_qemu_is_dead(short: Path) -> None:
    begun = time.monotonic()
    answer = await_ping(short / "p", timeout=30, still_alive=lambda: False)
    assert answer == Ping(answered=False, reason="qemu ended")
    assert time.monotonic() - begun < 20


def test_the_version_is_the_engines(short: Path) -> None:
    with Pinger(short / "p", (200, b'{"Version": "5.4.2"}')) as engine:
        assert version(short / "p") == {"Version": "5.4.2"}
        assert engine.requests == ["GET /version HTTP/1.1"]


@pytest.mark.parametrize("answer", [(200, b"[]"), (200, b"{"), (500, b"{}"), HANGS_UP, HANGS])
def test_no_version_is_one_clear_line(short: Path, answer: object) -> None:
    with Pinger(short / "p", answer), pytest.raises(GuestError, match="no version to be had"):
        version(short / "p", 0.1)
