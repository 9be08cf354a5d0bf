"""A machine goes to an image of today's packages, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.daily

NAME = "aged"
OF_THEN = {"B2P_PACKAGES": "jq"}
"""Another list of packages stands for the packages of another day."""


def test_what_changes_is_told_and_the_way_back_is_open(machine: Person) -> None:
    try:
        machine.b2p("up", NAME, environment=OF_THEN)
        machine.inside("jq --version && echo kept > /root/mark; sync", name=NAME)
        told = json.loads(machine.b2p("upgrade", NAME, "--json").out)
        assert any(line.startswith("jq: gone") for line in told["changes"])
        assert told["image"] != told["before"]
        assert (
            machine.inside("cat /root/mark; command -v jq || echo none", name=NAME)
            == "kept\nnone\n"
        )
        machine.inside("echo later > /root/mark; sync", name=NAME)
        again = machine.b2p("upgrade", NAME)
        assert "already" in again.err
        machine.b2p("upgrade", NAME, "--rollback")
        assert machine.inside("cat /root/mark; command -v jq", name=NAME) == "later\n/usr/bin/jq\n"
        assert "back already" in machine.b2p("upgrade", NAME, "--rollback", status=2).err
    finally:
        machine.b2p("rm", "-f", NAME, status=None)


def test_one_that_does_not_come_up_goes_back_by_itself(machine: Person) -> None:
    try:
        machine.b2p("up", NAME, environment=OF_THEN)
        machine.inside("echo kept > /root/mark; sync", name=NAME)
        # Nothing boots and answers in a second, on whatever image.
        said = machine.b2p(
            "upgrade", NAME, status=125, environment={"B2P_TIMEOUT": "1", "B2P_GOLDEN": "false"}
        ).err  # fmt: skip
        assert "not done after" in said
        machine.b2p("up", NAME)
        assert machine.inside("cat /root/mark; command -v jq", name=NAME) == "kept\n/usr/bin/jq\n"
    finally:
        machine.b2p("rm", "-f", NAME, status=None)
