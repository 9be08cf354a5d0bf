"""Machines that sleep by themselves, as stories, with a QEMU that only pretends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from b2p import sleep, wishes
from b2p.errors import BusyError
from b2p.store import lock, saved, users
from tests.test_suspend import asked

if TYPE_CHECKING:
    from tests.fakes_story import Computer


@pytest.fixture
def idle(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """A computer whose machine is to sleep after a while."""
    monkeypatch.setattr(wishes, "layout", lambda: computer.layout)
    computer.up(idle_suspend=1800)
    return computer


def woken(computer: Computer) -> list[str]:
    """What a verb that needs the machine says before it goes on."""
    computer.report.notes.clear()
    sleep.wake("default", lambda: computer._wishes({}), computer.layout, computer.report)
    return computer.report.notes


def test_an_idle_machine_falls_asleep_and_verbs_wake_it(idle: Computer) -> None:
    sleep.fall_asleep(idle.files())
    assert idle.state() == "suspended"
    assert [one["if_idle"] for one in idle.requests() if "if_idle" in one] == [True, True]
    assert "b2p: machine 'default' is suspended, in " in idle.files().console_log.read_text()
    (said,) = woken(idle)
    assert said.startswith("machine 'default' goes on after ")
    assert idle.state() == "running"
    assert woken(idle) == []


def test_what_a_person_suspended_no_verb_wakes(idle: Computer) -> None:
    idle.suspend()
    assert woken(idle) == []
    assert idle.state() == "suspended"
    assert not any(one["if_idle"] for one in idle.requests() if "if_idle" in one)


def test_the_guest_is_told_after_how_long(idle: Computer) -> None:
    told = [one["idle_suspend"] for one in idle.requests() if one.get("do") == "identity"]
    idle.up(idle_suspend=0)
    again = [one["idle_suspend"] for one in idle.requests() if one.get("do") == "identity"]
    assert (told, again) == ([1800], [1800, 0])
    assert idle.record().idle_suspend == 0
    assert not idle.report.warnings


@pytest.mark.parametrize("who", ["another b2p", "a program", "nobody wishes it"])
def test_a_machine_that_somebody_needs_runs_on(idle: Computer, who: str) -> None:
    files = idle.files()
    if who == "another b2p":
        with lock.hold(files.lock, command="b2p set"):
            sleep.fall_asleep(files)
    elif who == "a program":
        use = users.Use(files.users, lambda: "running")
        assert users.in_use(files.users)
        sleep.fall_asleep(files)
        use.leave()
        assert not users.in_use(files.users)
    else:
        idle.up(idle_suspend=0)
        sleep.fall_asleep(files)
    assert idle.state() == "running"
    assert not {"freeze", "unmount"} & set(asked(idle))


def test_one_that_cannot_be_saved_runs_on_and_says_so(computer: Computer, monkeypatch: Any) -> None:
    monkeypatch.setattr(wishes, "layout", lambda: computer.layout)
    computer.up(idle_suspend=1800, fault="no-freeze")
    sleep.fall_asleep(computer.files())
    assert computer.state() == "running"
    log = computer.files().console_log.read_text()
    assert (
        "b2p: it is idle, but was not suspended: suspending: its disk does not come to rest" in log
    )


def test_who_comes_while_it_falls_asleep_waits_for_that(idle: Computer) -> None:
    files = idle.files()
    assert not sleep.sleeps(files)
    with lock.hold(files.lock, command=sleep.COMMAND):
        assert sleep.sleeps(files)
        with pytest.raises(BusyError, match="by itself"), lock.hold(files.lock, command="x"):
            pass
    assert not sleep.sleeps(files)


def test_an_old_manifest_is_a_persons(idle: Computer) -> None:
    idle.suspend()
    found = saved.read(idle.files())
    assert found
    assert not found.by_itself


def test_where_it_cannot_be_it_is_told(computer: Computer) -> None:
    computer.up(idle_suspend=1800, host_calls=False)
    assert "without host_calls the guest cannot tell" in computer.report.warnings[-1]
