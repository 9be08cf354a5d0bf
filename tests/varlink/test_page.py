"""docs/varlink.md, which hints send people to, speaks of what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs/varlink.md"


def test_all_methods_that_are_absent_are_named(gateway: Any) -> None:
    absent = {name for name, method in gateway("table").METHODS.items() if method.room == "absent"}
    rows = PAGE.read_text().partition("## What has no equivalent")[2].partition("\n\nWhat")[0]
    assert absent <= set(re.findall(r"`([A-Z]\w+)`", rows))


def test_all_methods_that_are_named_exist(gateway: Any) -> None:
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`|io\.podman\.(\w+)", PAGE.read_text()))
    assert {one or other for one, other in named} <= set(gateway("table").METHODS)


def test_paths_are_those_of_the_gateway(gateway: Any) -> None:
    assert gateway("spool").DIRECTORY in PAGE.read_text()
    assert f"{gateway('service').IDLE_SECONDS:.0f} seconds" in PAGE.read_text()
