"""Sizes: what people write, what programs count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p import sizes
from b2p.errors import UsageError


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2GiB", 2 << 30),
        ("2G", 2 << 30),
        ("2 gib", 2 << 30),
        ("2GB", 2 * 10**9),
        ("512MiB", 512 << 20),
        ("1.5TiB", 3 << 39),
        ("0.1MB", 100_000),
        ("100b", 100),
    ],
)
def test_a_size_is_a_number_and_a_unit(text: str, count: int) -> None:
    assert sizes.parsed(text) == count


@pytest.mark.parametrize(
    "text", ["2048", "", "GiB", "2 Gi B", "-1GiB", "1e3MiB", "2XiB", "1.GiB", "٢GiB"]
)
def test_what_is_no_size_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(UsageError, match="memory") as caught:
        sizes.parsed(text, what="memory")
    assert caught.value.hint


def test_a_bare_number_is_told_which_units_it_may_have_meant() -> None:
    with pytest.raises(UsageError) as caught:
        sizes.parsed("2048")
    assert caught.value.hint == "write 2048MiB or 2048GiB"


@given(st.integers(min_value=0, max_value=1 << 60))
def test_a_written_size_is_read_back_exactly(count: int) -> None:
    assert sizes.parsed(sizes.written(count)) == count


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (43_100_000, "43.1 MB"),
        (101_500_000, "102 MB"),
    ],
)
def test_a_rounded_size_has_about_three_digits(count: int, text: str) -> None:
    assert sizes.rounded(count) == text
