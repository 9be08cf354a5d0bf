"""The clock is set right when the RTC's alarm rings, and is left alone otherwise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Rtc:
    """An RTC in a folder, whose device is a pipe."""

    def __init__(self, folder: Path, agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.alarm = folder / "wakealarm"
        self.now = folder / "since_epoch"
        self.tell(1000)
        self.set_to: list[float] = []
        self.end, self.ring_at = os.pipe2(os.O_NONBLOCK)
        monkeypatch.setattr(agent.clock, "SYSTEM", str(folder))
        monkeypatch.setattr(agent.clock, "_opened", lambda: self.end)
        monkeypatch.setattr(agent.clock.time, "time", lambda: 1000.2)
        monkeypatch.setattr(
            agent.clock.time, "clock_settime", lambda _clock, seconds: self.set_to.append(seconds)
        )

    def tell(self, seconds: int) -> None:
        self.now.write_text(f"{seconds}\n")

    def ring(self) -> None:
        os.write(self.ring_at, bytes(8))


@pytest.fixture
def rtc(tmp_path: Path, agent: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rtc]:
    made = Rtc(tmp_path, agent, monkeypatch)
    yield made
    os.close(made.end)
    os.close(made.ring_at)


def test_the_alarm_is_set_once_and_a_right_clock_stays(agent: Any, rtc: Rtc) -> None:
    clock = agent.clock.Clock()
    clock.look()
    assert rtc.alarm.read_text() == "+60"
    rtc.alarm.write_text("still set")
    clock.look()
    assert rtc.alarm.read_text() == "still set"
    assert not rtc.set_to


def test_when_it_rings_after_a_sleep_the_clock_follows(agent: Any, rtc: Rtc) -> None:
    clock = agent.clock.Clock()
    clock.look()
    rtc.tell(5000)
    clock.look()
    assert not rtc.set_to
    rtc.ring()
    clock.look()
    assert rtc.set_to == [5000.5]
    rtc.alarm.write_text("still set")
    clock.look()
    assert rtc.alarm.read_text() == "still set"


def test_a_machine_without_an_rtc_goes_on(
    agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent.clock, "DEVICE", str(tmp_path / "none"))
    clock = agent.clock.Clock()
    clock.look()
    clock.look()
    assert clock.file is None
