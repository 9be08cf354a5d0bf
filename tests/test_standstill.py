"""A machine whose disk took nothing: told as that, and let go on by `b2p up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p import standstill, status
from b2p.errors import HostError, StateError
from b2p.host import computer as this_computer

if TYPE_CHECKING:
    from tests.fakes_story import Computer


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough of it, and a short wait for what would stop the machine again."""
    monkeypatch.setattr(this_computer, "free_bytes", lambda _path: standstill.NEEDED_BYTES)
    monkeypatch.setattr(standstill, "AGAIN_SECONDS", 0.1)


def test_the_full_disk_is_named_with_what_to_do(computer: Computer) -> None:
    computer.up(fault="full")
    found = status.one_machine(computer.layout, "default")
    disk = computer.files().data_disk
    assert found.state == "broken"
    assert found.problem == f"'{disk}' takes nothing: this computer's disk is full (or broken)"
    assert found.remedy == f"make room at '{disk.parent}', then it goes on with 'b2p up default'"
    with pytest.raises(StateError, match=r"is full \(or broken\)"):
        status.running(computer.layout, "default")


def test_up_lets_it_go_on(computer: Computer) -> None:
    first = computer.up(fault="full").record
    again = computer.up()
    assert again.was_running
    assert again.record == first
    assert computer.running() == [first.pid]
    assert status.one_machine(computer.layout, "default").state == "running"
    assert computer.report.notes[-2:] == [
        f"machine 'default' goes on: there is room at '{computer.files().home}' again",
        "machine 'default' is running",
    ]


def test_a_dry_run_leaves_it_as_it_is(computer: Computer) -> None:
    computer.up(fault="full")
    with pytest.raises(StateError, match="takes nothing"):
        computer.up(dry_run=True)
    assert status.one_machine(computer.layout, "default").run_state == "io-error"


def test_one_that_stops_again_is_told_as_still_full(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = computer.up(fault="full+stays-full").record
    monkeypatch.setattr(standstill, "AGAIN_SECONDS", 5.0)
    with pytest.raises(HostError, match=r"stands still: .* is full \(or broken\)") as caught:
        computer.up()
    assert "make room at" in caught.value.hint
    assert computer.running() == [record.pid]


def test_without_room_it_is_left_as_it_is(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.up(fault="full")
    monkeypatch.setattr(this_computer, "free_bytes", lambda _path: standstill.NEEDED_BYTES - 1)
    with pytest.raises(HostError, match="stands still"):
        computer.up()
    assert status.one_machine(computer.layout, "default").run_state == "io-error"
