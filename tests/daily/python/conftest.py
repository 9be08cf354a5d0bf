"""Programs and test suites of somebody else's, who has no other machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.boot.person import Person, newcomer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def person() -> Iterator[Person]:
    """One of their own: that a block leaves no machine is seen where there is no other."""
    with newcomer() as one:
        yield one
