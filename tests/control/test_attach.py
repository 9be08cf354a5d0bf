"""A person, or a pipe, at the console."""

from __future__ import annotations

import os
import pty
import signal
import socket
import sys
import termios
import time
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from b2p.control import attach as attaching
from b2p.control.attach import attach, detach_byte
from b2p.control.errors import GoneError, SilentError
from b2p.errors import UsageError
from tests.control.test_console import until
from tests.fakes import ConsoleFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Terminal:
    """A pseudo terminal: `person` is the keyboard's and screen's side, `program` ours."""

    def __init__(self) -> None:
        self.person, self.program = pty.openpty()
        self.before = termios.tcgetattr(self.program)

    def close(self) -> None:
        for descriptor in (self.person, self.program):
            if descriptor >= 0:
                os.close(descriptor)

    def is_restored(self) -> bool:
        return termios.tcgetattr(self.program) == self.before


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes back after a pipe's end comes at once here."""
    monkeypatch.setattr(attaching, "SETTLE", 0.1)


def once_attached(terminal: Terminal, action: Callable[..., object], *arguments: object) -> Thread:
    """Act when the terminal is raw, which is the last thing that happens before keys are read."""

    def act() -> None:
        until(lambda: not terminal.is_restored())
        # Python may see a signal late that comes right before the main thread falls asleep.
        time.sleep(0.05)
        action(*arguments)

    thread = Thread(target=act)
    thread.start()
    return thread


def test_the_detach_key_leaves_and_restores_the_terminal(short: Path, terminal: Terminal) -> None:
    said: list[str] = []
    shown: list[bytes] = []

    def answer() -> None:
        shown.append(os.read(terminal.person, 99))
        os.write(terminal.person, b"ab\x03\x1dcd")

    with ConsoleFeed(short / "s", b"login: ") as feed:
        acting = once_attached(terminal, answer)
        ending = attach(
            short / "s", stdin=terminal.program, stdout=terminal.program, say=said.append
        )
        acting.join()
        assert ending == "detached"
        assert terminal.is_restored()
        assert b"login: ".startswith(shown[0])
        assert said == ["attached to the console; ctrl-] detaches", "detached"]
        assert b"\x1d" not in feed.typed


def test_keys_reach_the_guest_raw(short: Path, terminal: Terminal) -> None:
    with ConsoleFeed(short / "s") as feed:

        def type_and_leave() -> None:
            os.write(terminal.person, b"\x03\x1a\r")
            until(lambda: feed.typed == b"\x03\x1a\r")
            os.write(terminal.person, b"\x11")

        acting = once_attached(terminal, type_and_leave)
        ending = attach(
            short / "s", stdin=terminal.program, stdout=terminal.program, detach="ctrl-q"
        )
        acting.join()
        assert ending == "detached"
        assert feed.typed == b"\x03\x1a\r"


def test_the_end_of_the_machine_ends_it_and_restores_the_terminal(
    short: Path, terminal: Terminal
) -> None:
    said: list[str] = []
    with ConsoleFeed(short / "s") as feed:
        acting = once_attached(terminal, feed.hang_up.set)
        ending = attach(
            short / "s", stdin=terminal.program, stdout=terminal.program, say=said.append
        )
        acting.join()
    assert ending == "ended"
    assert said[-1] == "the machine ended"
    assert terminal.is_restored()


def test_a_window_that_is_closed_ends_it(short: Path, terminal: Terminal) -> None:
    def close() -> None:
        os.close(terminal.person)
        terminal.person = -1

    with ConsoleFeed(short / "s"):
        acting = once_attached(terminal, close)
        assert attach(short / "s", stdin=terminal.program, stdout=terminal.program) == "hangup"
        acting.join()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_restores_the_terminal_and_the_handlers(
    short: Path, terminal: Terminal, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    with ConsoleFeed(short / "s"):
        acting = once_attached(terminal, os.kill, os.getpid(), number)
        assert attach(short / "s", stdin=terminal.program, stdout=terminal.program) == "hangup"
        acting.join()
    assert terminal.is_restored()
    assert signal.getsignal(number) == before


def test_a_pipe_is_copied_to_its_end_and_the_answer_shown(short: Path) -> None:
    source, feeder = os.pipe()
    screen, sink = os.pipe()
    os.write(feeder, b"uname\x1d\n")
    os.close(feeder)
    said: list[str] = []
    with ConsoleFeed(short / "s", echo=True) as feed:
        assert attach(short / "s", stdin=source, stdout=sink, say=said.append) == "input over"
        assert feed.typed == b"uname\x1d\n"
    os.close(sink)
    assert os.read(screen, 99) == b"uname\x1d\n"
    assert said == []
    os.close(source)
    os.close(screen)


def test_no_console_is_a_machine_that_does_not_run(short: Path) -> None:
    with pytest.raises(GoneError, match="no console"):
        attach(short / "s")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses")
def test_a_console_with_a_full_queue_is_somebody_elses(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(short / "s"))
        busy.listen(0)
        first.connect(str(short / "s"))
        with pytest.raises(SilentError, match="somebody else"):
            attach(short / "s")


def test_a_detach_key_is_a_control_key() -> None:
    assert detach_byte("ctrl-]") == b"\x1d"
    assert detach_byte("Ctrl-A") == b"\x01"
    for key in ("]", "ctrl-", "ctrl-1", "ctrl-ab", ""):
        with pytest.raises(UsageError):
            detach_byte(key)
