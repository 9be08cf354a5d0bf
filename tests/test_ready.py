"""Waiting for a machine, against sockets that this process serves; the whole is in test_up.py."""

from __future__ import annotations

import os
import re
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import patience, ready
from b2p.control.console import ConsoleWatch
from b2p.errors import GuestError
from b2p.host.process import Started
from b2p.ready import Waiting
from b2p.store.layout import MachineFiles
from tests.fake_qemu import stage, told
from tests.fakes import ConsoleFeed, GuestFeed, Pinger, short_directory
from tests.fakes_machine import own_start_time
from tests.fakes_story import Heard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAITS = stage("waiting for the machine's identity")
READY = told({"event": "ready"})


class Guest:
    """A machine that lives as long as this test does; each part of it can be told what to play."""

    def __init__(self, files: MachineFiles, stack: ExitStack) -> None:
        self.files = files
        self.stack = stack
        self.report = Heard()
        self.feed: GuestFeed | None = None

    def wait(
        self,
        *,
        console: bytes = b"",
        script: bytes = WAITS,
        reply: Callable[[dict[str, Any]], bytes] = lambda _: READY,
        engine: tuple[tuple[int, bytes], ...] = ((200, b"OK"),),
        timeout: float = 10,
    ) -> None:
        """Wait until it is ready."""
        enter = self.stack.enter_context
        self.feed = enter(GuestFeed(self.files.control, script, reply=reply))
        enter(ConsoleFeed(self.files.console, console))
        enter(Pinger(self.files.podman, *engine))
        watch = enter(ConsoleWatch(self.files.console))
        me = Started(os.getpid(), own_start_time())
        waiting = Waiting(self.files, me, watch=watch, task=self.report, timeout=timeout)
        waiting.until_ready(lambda: {"name": "web"}, warn=self.report.warn)


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guest]:
    """One guest, all its sockets in a directory of their own."""
    monkeypatch.setattr(patience, "LAST_WORDS_SECONDS", 0.1)
    with short_directory() as root, ExitStack() as stack:
        yield Guest(MachineFiles(home=root, run=root), stack)


def test_the_identity_is_given_when_the_guest_can_take_it(guest: Guest) -> None:
    guest.wait()
    assert guest.feed
    (heard,) = guest.feed.heard
    assert heard.items() >= {"do": "identity", "name": "web"}.items()


def test_ready_is_only_what_the_engine_itself_says(guest: Guest) -> None:
    guest.wait(engine=((503, b""), (500, b""), (200, b"OK")))
    assert guest.report.said[-1] == "starting the engine"


def test_a_panic_ends_the_waiting_though_qemu_lives(guest: Guest) -> None:
    panic = b"Kernel panic - not syncing: no init\r\n"
    with pytest.raises(GuestError, match="the guest's kernel panicked: no init") as caught:
        guest.wait(console=b"b2p: stage: mounting\r\n" + panic, script=b"")
    assert caught.value.stage == "mounting"


def test_the_last_lines_of_both_logs_are_the_evidence(guest: Guest) -> None:
    guest.files.console_log.write_text("one\n\x1b[2Jtwo\n")
    guest.files.qemu_log.write_text("qemu: warning\n")
    with pytest.raises(GuestError) as caught:
        guest.wait(script=told({"event": "failed", "stage": "x", "message": "y"}))
    assert caught.value.message == "x: y"
    assert caught.value.details == "qemu: warning\none\ntwo"


def test_what_a_guest_says_is_made_safe_to_show(guest: Guest) -> None:
    guest.wait(reply=lambda _: stage("\x1b[31mred\x07\nalert") + READY)
    assert "red alert" in guest.report.said


@pytest.mark.parametrize(
    ("message", "expected"),
    [({"event": "failed"}, "None: None"), ({"event": "failed", "stage": ["x"]}, "['x']: None")],
)
def test_a_guest_that_fails_without_words_is_heard(
    guest: Guest, message: dict[str, Any], expected: str
) -> None:
    with pytest.raises(GuestError, match=re.escape(expected)):
        guest.wait(script=told(message))


def test_a_port_that_hangs_up_while_qemu_lives_is_told(guest: Guest) -> None:
    def hang_up(_request: dict[str, Any]) -> bytes:
        raise OSError

    with pytest.raises(GuestError, match="the control port hung up") as caught:
        guest.wait(reply=hang_up)
    assert caught.value.hint


def test_the_deadline_of_a_stage_does_not_end_another(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "BOOTED", replace(ready.BOOTED, seconds=0.2))
    later = threading.Event()

    def reply(_request: dict[str, Any]) -> bytes:
        later.wait(0.25)
        return READY

    guest.wait(reply=reply)


@pytest.mark.parametrize("name", ["BOOTED", "IDENTIFIED", "ANSWERED"])
def test_every_stage_has_a_name_a_deadline_and_a_hint(name: str) -> None:
    requirement = getattr(ready, name)
    assert requirement.stage
    assert requirement.hint
    assert 60 <= requirement.seconds <= 300
