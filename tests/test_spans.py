"""Spans of time, read and written."""

from __future__ import annotations

import pytest

from b2p import spans
from b2p.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds", "shortest"),
    [
        ("30m", 1800, "30m"),
        ("90 s", 90, "90s"),
        ("2h", 7200, "2h"),
        ("24h", 86400, "1d"),
        ("off", 0, "off"),
        ("0m", 0, "off"),
    ],
)
def test_they_are_read_and_written(text: str, seconds: int, shortest: str) -> None:
    assert spans.parsed(text) == seconds
    assert spans.written(seconds) == shortest
    assert spans.parsed(shortest) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "-1m", "1.5h", "30 min", "٣m", "on"])
def test_all_else_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(UsageError, match="no time with a unit") as caught:
        spans.parsed(text, what="idle_suspend")
    assert caught.value.hint.startswith("write ")
