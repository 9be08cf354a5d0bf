"""A QEMU whose b2p was killed: no second one starts beside it, and it is taken for what it is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from b2p import status
from b2p.store import record as records

if TYPE_CHECKING:
    from tests.fakes_story import Computer


def test_a_qemu_that_nobody_recorded_is_ended_before_another_starts(computer: Computer) -> None:
    first = computer.up()
    computer.down()
    files = computer.layout.machine("default")
    records.write(files.record, replace(first.record, pid=0, pid_start=0.0))
    words = ["-c", "import time; time.sleep(60)", "-uuid", first.record.uuid]
    left = subprocess.Popen([sys.executable, "-I", "-S", *words])
    try:
        computer.up()
        assert left.wait(10) < 0
    finally:
        left.kill()
        left.wait()


def test_one_whose_b2p_was_killed_before_it_ran_begins_anew(computer: Computer) -> None:
    first = computer.up(fault="waits").record
    assert status.one_machine(computer.layout, "default").remedy == "run 'b2p up default'"
    again = computer.up()
    assert again.record.pid != first.pid
    assert computer.running() == [again.record.pid]
    assert "begins anew" in computer.report.warnings[-1]


def test_a_machine_that_came_up_after_its_b2p_was_killed_is_taken_for_good(
    computer: Computer,
) -> None:
    record = computer.up().record
    records.write(computer.files().record, replace(record, first_ready=""))
    before = len(computer.requests())
    assert computer.up().was_running
    assert computer.record().first_ready
    # It may never have been told who it is.
    told = computer.requests()[before]
    assert told["do"] == "identity"
    assert told["name"] == "default"
    assert told["host_keys"]
