"""The end of a session: nothing of b2p's is left on the computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.boot


def test_down_and_rm_leave_no_process_and_no_file_of_a_machine(machine: Person) -> None:
    machine.b2p("down")
    assert machine.processes() == []
    machine.b2p("rm", "-f", "default")
    assert machine.traces("default") == []
    assert machine.socket_folders() == set()
    assert "no machines yet" in machine.b2p("ls").err
