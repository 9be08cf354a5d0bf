"""Who uses a machine: the last one to leave is told how the first one found it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from b2p.store.users import Use

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "machines" / ".web.users"


def test_one_alone_is_told_how_it_was(path: Path) -> None:
    use = Use(path, lambda: "stopped")
    with use.left() as before:
        assert before == "stopped"
    assert not path.exists()


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_the_last_of_two_is_told(path: Path, first_leaves_first: bool) -> None:
    uses = [Use(path, lambda: "suspended"), Use(path, lambda: pytest.fail("nobody asks"))]
    for use, expected in zip(
        uses if first_leaves_first else reversed(uses), ("", "suspended"), strict=True
    ):
        with use.left() as before:
            assert before == expected
    assert not path.exists()


def test_who_comes_while_the_last_one_leaves_waits_and_is_the_first(path: Path) -> None:
    states = iter(["stopped", "stopped again"])
    first = Use(path, lambda: next(states))
    came: list[Use] = []
    waits = threading.Thread(target=lambda: came.append(Use(path, lambda: next(states))))
    with first.left():
        waits.start()
        waits.join(0.3)
        assert came == []
    waits.join(30)
    with came[0].left() as before:
        assert before == "stopped again"


def test_a_word_that_a_killed_one_left_does_not_count(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("suspended")
    with Use(path, lambda: "running").left() as before:
        assert before == "running"


def test_one_whose_question_fails_holds_nothing(path: Path) -> None:
    def fails() -> str:
        raise OSError

    with pytest.raises(OSError):
        Use(path, fails)
    Use(path, lambda: "stopped").leave()
    assert not path.exists()


def test_many_at_once_agree_on_one_that_is_last(path: Path) -> None:
    told: list[str] = []

    def come_and_go() -> None:
        for _ in range(50):
            with Use(path, lambda: "stopped").left() as before:
                told.append(before)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(told) == 200
    assert set(told) <= {"", "stopped"}
    assert "stopped" in told
    assert not path.exists()
