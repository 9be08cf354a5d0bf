"""Snapshots of a real machine's disk: gone back to, and forwards again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.daily

NAME = "past"
FILES = "cd /root; ls one two three 2>/dev/null; true"


def written(person: Person, name: str) -> None:
    """A file that lasts, in a machine that is stopped again."""
    person.b2p("up", NAME)
    person.inside(f"echo x >/root/{name}; sync", name=NAME)
    person.b2p("down", NAME)


def test_a_machine_goes_back_and_forth_between_its_snapshots(person: Person) -> None:
    written(person, "one")
    person.b2p("snapshot", "create", "-m", NAME, "first")
    written(person, "two")
    person.b2p("snapshot", "create", "-m", NAME, "second")
    written(person, "three")
    person.b2p("snapshot", "restore", "-m", NAME, "first")
    person.b2p("up", NAME, "--disk", "120GiB")
    said = person.b2p("snapshot", "create", "-m", NAME, "third", status=2)
    assert "is running" in said.err
    assert person.inside(FILES, name=NAME).split() == ["one"]
    assert person.inside("df -BG --output=size /data | tail -1", name=NAME).strip() > "115G"
    person.b2p("down", NAME)
    person.b2p("snapshot", "restore", "-m", NAME, "second")
    person.b2p("up", NAME)
    assert person.inside(FILES, name=NAME).split() == ["one", "two"]
    person.b2p("rm", "-f", NAME)
    assert person.traces(NAME) == []
