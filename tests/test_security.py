"""Each claim of docs/security.md names a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_catalogue import is_test

PAGE = Path(__file__).parent.parent / "docs/security.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("| ---", "| claim"))
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_claim_has_its_test(row: list[str]) -> None:
    _, named = row
    names = re.findall(r"`(tests/[^`]+)`", named)
    assert names
    for name in names:
        assert is_test(name), name


def test_there_are_claims_against_everybody() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(headings) >= 6
    assert len(ROWS) > 25
