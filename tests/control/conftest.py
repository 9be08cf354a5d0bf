"""A short directory for sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name."""
    with short_directory() as path:
        yield path
