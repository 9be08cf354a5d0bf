"""The table of families: what of each was seen, and whether on a real image or on a stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p import families, tables

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

COLUMNS = ("recognised", "boots", "provisioned", "ssh", "engine", "down and up", "data")
SEEN = pytest.StashKey[dict[tuple[str, str], str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SEEN] = {}


@pytest.fixture(scope="session")
def seen(request: pytest.FixtureRequest) -> dict[tuple[str, str], str]:
    """(family, column): "real" or "stand-in", filled in by the tests as things are seen."""
    return request.config.stash[SEEN]


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[SEEN]
    if not found:
        return
    rows = [
        (one.name, *(found.get((one.name, column), "never") for column in COLUMNS))
        for one in families.ALL
    ]
    terminalreporter.section("families: what was seen")
    for line in tables.table(("FAMILY", *map(str.upper, COLUMNS)), rows).splitlines():
        terminalreporter.write_line(line)
