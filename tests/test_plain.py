"""Text of a guest's, made safe to show."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.plain import line, plain, tail

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"[\x1b[0;32m  OK  \x1b[0m] Started", "[  OK  ] Started"),
        (b"\x1b[2J\x1b[Hgone", "gone"),
        (b"\x1b]0;a title\x07text", "text"),
        (b"\x1b]52;c;aGVsbG8=\x1b\\text", "text"),
        (b"\x1bP+q544e\x1b\\text", "text"),
        (b"\x1bc\x1b(Btext", "text"),
        (b"a\x08\x07\x00b", "ab"),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        (b"\xff\xfeb", "\ufffd\ufffdb"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\x9b31mred", "red"),
        ("tab\tstays, umlaut ä stays", "tab\tstays, umlaut ä stays"),
        (b"an unended \x1b]0;title\nnext", "an unended \nnext"),
        (b"cut \x1b[", "cut "),
    ],
)
def test_nothing_a_terminal_would_obey_is_left(said: str | bytes, shown: str) -> None:
    assert plain(said) == shown


@given(st.one_of(st.text(), st.binary()))
def test_whatever_comes_no_control_character_goes_out(said: str | bytes) -> None:
    shown = plain(said)
    assert {unicodedata.category(one) for one in shown if one not in "\n\t"}.isdisjoint(
        {"Cc", "Cf", "Cs"}
    )
    assert plain(shown) == shown


def test_a_line_is_one_line_of_bounded_length() -> None:
    assert line(b" a\r\nb\t c ") == "a b c"
    assert line("x" * 300, 10) == "xxxxxxx..."


def test_a_tail_holds_the_last_lines_that_say_something(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"one\r\ntwo\r\n\r\n\x1b[1mthree\x1b[0m  \r\n\n")
    assert tail(log, 2) == "two\nthree"
    assert tail(log, 0) == ""


def test_a_tail_of_a_huge_log_reads_only_its_end(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    with log.open("wb") as file:
        file.seek(1 << 32)
        file.write(b"\nlast\n")
    assert tail(log, 1) == "last"


def test_no_log_has_no_tail(tmp_path: Path) -> None:
    assert tail(tmp_path / "none", 5) == ""
