"""The time stamp counter: measured once, rounded, done without."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from b2p.host import counter

if TYPE_CHECKING:
    from pathlib import Path

A_SECOND = 10**9


@pytest.mark.parametrize(
    ("counts", "seconds", "khz"),
    [
        (2_596_094_000, 1, 2_596_000),
        (1_298_300_000, 0.5, 2_597_000),
        (0, 1, 0),
        (-5, 1, 0),
        (5, 0, 0),
    ],
)
def test_the_rate_is_told_to_the_nearest_megahertz(counts: int, seconds: float, khz: int) -> None:
    assert counter.rate((7, 9), (7 + counts, 9 + int(seconds * A_SECOND))) == khz


@pytest.mark.skipif(platform.machine() != "x86_64", reason="another processor counts otherwise")
def test_this_computers_counter_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = tmp_path / "findings.json"
    found = counter.khz(findings)
    # Slower and faster ones have not been made in the last twenty years.
    assert 400_000 < found < 10_000_000
    monkeypatch.setattr(counter, "_measured", lambda: pytest.fail("measured again"))
    assert counter.khz(findings) == found


def test_other_processors_need_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert counter.khz(tmp_path / "findings.json") == 0


def test_where_no_program_may_make_code_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(counter, "_reader", lambda: None)
    assert counter.khz(tmp_path / "findings.json") == 0
