"""What `status` makes of a QEMU's answer and of its process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from b2p import status
from b2p.cli.main import run
from b2p.control.liveness import Answer, Life
from b2p.host import process
from tests import fakes_machine as fakes

if TYPE_CHECKING:
    from b2p.store.layout import Layout

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("life", "alive", "state"),
    [
        (Answer(Life.THERE, "running"), True, "running"),
        (Answer(Life.THERE, "guest-panicked"), True, "broken"),
        (Answer(Life.THERE, "io-error"), True, "broken"),
        (Answer(Life.STRANGER), False, "broken"),
        (Answer(Life.ABSENT), False, "stopped"),
        (Answer(Life.ABSENT), True, "broken"),
        (Answer(Life.SILENT), True, "broken"),
        (Answer(Life.SILENT), False, "broken"),
    ],
)
def test_the_state_is_what_answer_and_process_add_up_to(
    life: Answer, alive: bool, state: str
) -> None:
    disk = Path("/b2p/default/data.raw")
    found, problem, remedy = status.judgement("default", life, alive=alive, disk=disk)
    assert found == state
    assert bool(problem) == bool(remedy) == (state == "broken")


def test_a_qemu_that_is_just_going_is_one_that_is_gone(
    layout: Layout, tmp_path: Path, capsys: Capture
) -> None:
    going = process.launch(["sleep", "0.3"], log=tmp_path / "log")
    fakes.stopped_machine(layout, pid=going.pid, pid_start=going.start_time)
    assert run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "stopped"


def test_a_pid_that_came_round_again_is_not_the_machine(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout, pid=os.getpid(), pid_start=fakes.own_start_time() / 2)
    assert run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "stopped"
