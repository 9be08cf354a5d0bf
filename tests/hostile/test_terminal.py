"""What a guest, a mirror or a file's name says never steers the terminal of whoever reads it."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p import logs, tables, terminal
from b2p.cli.main import told
from b2p.control.sightings import sightings
from b2p.copying import announced
from b2p.errors import B2PError, GuestError
from tests.hostile_input import escapes, harmless

if TYPE_CHECKING:
    from collections.abc import Callable

SPOKEN = (
    b"b2p: stage: ",
    b"b2p: failed: ",
    b"Kernel panic - not syncing: ",
    b"Out of memory: Killed process ",
    b"\r\n",
    b"\x1b[2J",
    b"\x1b]0;t\x07",
    b"\xff",
    b"\x9b31m",
    b"(initramfs) ",
)
consoles = st.lists(st.sampled_from(SPOKEN) | st.binary(max_size=9), max_size=9).map(b"".join)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def check_tame(text: str) -> None:
    """Nothing is left but b2p's own colours."""
    for code in terminal._SGR.values():
        text = text.replace(f"\x1b[{code}m", "")
    text = text.replace("\x1b[0m", "")
    wild = {
        one for one in text if one not in "\n\t" and unicodedata.category(one) in {"Cc", "Cf", "Cs"}
    }
    assert not wild, ascii(text)


def on_a_terminal(speak: Callable[[], object], stream: str = "stderr") -> str:
    """What is said on a terminal that knows colours."""
    screen = Terminal()
    with mock.patch.object(sys, stream, screen), mock.patch.dict("os.environ", {"TERM": "xterm"}):
        speak()
    return screen.getvalue()


@given(consoles)
def test_the_console_in_logs(said: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="b2p-") as folder, harmless():
        path = Path(folder) / "console.log"
        path.write_bytes(said)
        files = SimpleNamespace(console_log=path)
        layout: Any = SimpleNamespace(machine=lambda _: files)
        with mock.patch.object(logs, "known"):
            for block in logs.read(layout, "web", qemu=False, follow=False):
                check_tame(block)


@given(consoles)
def test_what_is_understood_of_a_console(said: bytes) -> None:
    with harmless():
        for one in sightings(said):
            check_tame(one.message)
            assert "\n" not in one.message


@given(escapes, escapes, escapes)
def test_an_error(message: str, hint: str, details: str) -> None:
    check_tame(on_a_terminal(lambda: terminal.error(message, hint, details)))
    check_tame(on_a_terminal(lambda: told(B2PError(message, hint, details=details), [])))


@pytest.mark.parametrize("make", [terminal.LiveReport, terminal.PlainReport, terminal.QuietReport])
@given(escapes, escapes)
def test_progress_and_warnings(make: Any, one: str, other: str) -> None:
    def speak() -> None:
        report = make(terminal.Voice(sys.stderr, colour=make is terminal.LiveReport))
        with report.task(one) as task:
            task.say(other)
        report.note(one)
        report.warn(one, other)

    check_tame(on_a_terminal(speak))


@given(escapes, escapes)
def test_a_table(one: str, other: str) -> None:
    check_tame(
        on_a_terminal(lambda: terminal.out(tables.table(("A", "B"), [(one, other)])), "stdout")
    )


@given(escapes)
def test_a_task_as_it_is_drawn(text: str) -> None:
    running = terminal.Running(terminal.shown(text), "items", 0.0)
    running.say(text)
    for line in terminal.picture(running, 1.0, 80, unicode=True):
        check_tame("".join(piece for piece, _ in line))


def test_an_accident_with_escapes_in_it() -> None:
    with mock.patch("b2p.cli.accident.keep", side_effect=OSError):
        check_tame(on_a_terminal(lambda: told(ValueError("\x1b[2J"), ["\x1b[2J"])))


@given(
    st.binary(max_size=60)
    | st.sampled_from([b"file 1 777 1\n", b"file", b"file x y z", b"file 1 9 1"])
)
def test_what_a_machine_announces_before_a_file(header: bytes) -> None:
    with harmless():
        size, mode, _ = announced(header)
        assert size >= 0
        assert mode >= 0


def test_an_announcement_is_told_tamely() -> None:
    with pytest.raises(GuestError) as caught:
        announced(b"file \x1b[2J")
    check_tame(caught.value.message)


def test_the_whole_program_says_wild_words_tamely() -> None:
    for words in (
        ["up", "\x1b[2J"],
        ["\x1b[2J"],
        ["status", "a\x1b[2J"],
        ["up", "--memory", "\x1b[2J"],
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "b2p", *words],
            capture_output=True,
            cwd=Path(__file__).parents[2],
            env={"HOME": "/nonexistent", "PATH": "/usr/bin"},
            timeout=50,
        )
        assert b"\x1b" not in ended.stdout + ended.stderr
        assert ended.returncode in (2, 125)
