from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def words(gateway: Any) -> Any:
    return gateway("shapes.words")


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1700000000, "2023-11-14T22:13:20Z"),
        (1700000000.9, "2023-11-14T22:13:20Z"),
        (None, "0001-01-01T00:00:00Z"),
        (-62135596800, "0001-01-01T00:00:00Z"),
        ("", "0001-01-01T00:00:00Z"),
        ("2023-11-14T22:13:20.123456789+02:00", "2023-11-14T22:13:20+02:00"),
        ("2023-11-14T22:13:20.5Z", "2023-11-14T22:13:20Z"),
        ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z"),
    ],
)
def test_a_time_to_the_second(words: Any, told: Any, wanted: str) -> None:
    assert words.rfc3339(told) == wanted


@pytest.mark.parametrize(
    ("nanoseconds", "wanted"),
    [
        (1700000000 * 10**9, "2023-11-14T22:13:20Z"),
        (1700000000 * 10**9 + 120, "2023-11-14T22:13:20.00000012Z"),
        (1700000000 * 10**9 + 500_000_000, "2023-11-14T22:13:20.5Z"),
    ],
)
def test_a_time_to_the_nanosecond(words: Any, nanoseconds: int, wanted: str) -> None:
    assert words.rfc3339_nano(nanoseconds) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2023-11-14T22:13:20.123456789Z", 1700000000.123456),
        ("2023-11-15T00:13:20+02:00", 1700000000),
        ("0001-01-01T00:00:00Z", 0),
        ("", 0),
        (None, 0),
        (17, 17),
    ],
)
def test_seconds_of_a_time(words: Any, text: Any, wanted: float) -> None:
    assert words.unix_seconds(text) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(0, "0s"), (3.4, "3.4s"), (62, "1m2s"), (3723.5, "1h2m3.5s"), (7200, "2h0m0s"), (-5, "0s")],
)
def test_a_duration_as_go_prints_it(words: Any, seconds: float, wanted: str) -> None:
    assert words.go_duration(seconds) == wanted


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (0.5, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
        (86400 * 2, "2 days"),
        (86400 * 14, "2 weeks"),
        (86400 * 60, "2 months"),
        (86400 * 730, "2 years"),
    ],
)
def test_an_age_in_words(words: Any, seconds: float, wanted: str) -> None:
    assert words.age(seconds) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", 0),
        ("64m", 64 << 20),
        ("64M", 64 << 20),
        ("64mb", 64 << 20),
        ("64MiB", 64 << 20),
        ("1.5g", 3 << 29),
        ("512b", 512),
        (" 1k ", 1024),
    ],
)
def test_a_size(words: Any, text: str, wanted: int) -> None:
    assert words.size(text) == wanted


@pytest.mark.parametrize("text", ["", "m", "64x", "inf", "nan", "1e400", "1 0", "64bb", "9" * 400])
def test_what_is_no_size(words: Any, text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        words.size(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", 0),
        ("30s", 30 * 10**9),
        ("1m30s", 90 * 10**9),
        ("1.5h", 5400 * 10**9),
        ("250ms", 250 * 10**6),
        ("5us", 5000),
        ("5µs", 5000),
        ("7ns", 7),
    ],
)
def test_a_duration(words: Any, text: str, wanted: int) -> None:
    assert words.nanoseconds(text) == wanted


@pytest.mark.parametrize("text", ["", "30", "s", "5mm", "-1s", "1s x", "1..5s", "9" * 400 + "h"])
def test_what_is_no_duration(words: Any, text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        words.nanoseconds(text)


@given(st.text(max_size=12))
@settings(max_examples=50)
def test_a_size_is_a_number_or_refused(gateway: Any, text: str) -> None:
    words = gateway("shapes.words")
    for read in (words.size, words.nanoseconds):
        with suppress(ValueError):
            assert isinstance(read(text), int)


def test_pairs_and_filters(words: Any) -> None:
    assert words.pairs(["a=1", "b", "c=x=y", "=z"]) == {"a": "1", "b": "", "c": "x=y"}
    assert words.filters(["label=a", "label=b=c", "status=exited"]) == {
        "label": ["a", "b=c"],
        "status": ["exited"],
    }
    assert words.pairs(None) == words.filters(None) == {}


@pytest.mark.parametrize(
    ("reference", "wanted"),
    [
        ("alpine", ("alpine", "")),
        ("alpine:3.20", ("alpine", "3.20")),
        ("localhost:5000/a/b", ("localhost:5000/a/b", "")),
        ("localhost:5000/a/b:c", ("localhost:5000/a/b", "c")),
        ("", ("", "")),
    ],
)
def test_repository_and_tag(words: Any, reference: str, wanted: tuple[str, str]) -> None:
    assert words.split_reference(reference) == wanted
