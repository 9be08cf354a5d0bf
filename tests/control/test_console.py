"""A console followed live."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from b2p.control.console import ConsoleWatch
from b2p.control.errors import GoneError
from b2p.control.sightings import Kind, Sighting
from tests.control.test_sightings import GOOD_BOOT
from tests.fakes import ConsoleFeed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_stages_are_told_as_they_come_however_they_are_cut(short: Path, chunk: int) -> None:
    stages: list[str] = []
    with (
        ConsoleFeed(short / "s", GOOD_BOOT + b"ne\r\n", chunk=chunk),
        ConsoleWatch(short / "s", stages.append) as watch,
    ):
        assert until(lambda: len(stages) == 3)
        assert stages == ["mounting the system image", "starting podman", "half a line"]
        assert watch.stage == "half a line"
        assert watch.failure is None
        assert not watch.ended


def test_the_first_failure_is_kept_and_told_once(short: Path) -> None:
    told: list[Sighting] = []
    transcript = (
        b"Out of memory: Killed process 5 (podman) x\r\n"
        b"Kernel panic - not syncing: System is deadlocked on memory\r\nb2p: stage: last\r\n"
    )
    with (
        ConsoleFeed(short / "s", transcript),
        ConsoleWatch(short / "s", on_failure=told.append) as watch,
    ):
        assert until(lambda: watch.stage == "last")
        assert watch.failure == Sighting(Kind.OUT_OF_MEMORY, "Killed process 5 (podman) x")
        assert told == [watch.failure]


def test_a_prompt_without_a_newline_is_seen(short: Path) -> None:
    with (
        ConsoleFeed(short / "s", b"x\r\n\r\n(initramfs) "),
        ConsoleWatch(short / "s") as watch,
    ):
        assert until(lambda: watch.failure is not None)


def test_a_megabyte_without_a_line_end_does_not_hide_what_follows(short: Path) -> None:
    transcript = b"y" * (1 << 20) + b"\r\nb2p: stage: after\r\n"
    with (
        ConsoleFeed(short / "s", transcript, chunk=1 << 16),
        ConsoleWatch(short / "s") as watch,
    ):
        assert until(lambda: watch.stage == "after", 20)


def test_the_end_of_qemu_is_seen(short: Path) -> None:
    with ConsoleFeed(short / "s", b"a\r\n") as feed, ConsoleWatch(short / "s") as watch:
        feed.hang_up.set()
        assert until(lambda: watch.ended)


def test_leaving_ends_the_thread_and_frees_the_console(short: Path) -> None:
    with ConsoleFeed(short / "s") as feed:
        before = threading.active_count()
        with ConsoleWatch(short / "s"):
            assert until(lambda: feed.accepted == 1)
        assert until(lambda: threading.active_count() <= before)


def test_no_console_is_a_machine_that_is_gone(short: Path) -> None:
    with pytest.raises(GoneError), ConsoleWatch(short / "s"):
        pass
