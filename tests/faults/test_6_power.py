"""A computer whose power goes: what the disk was not told to keep may be lost."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import await_true
from tests.faults import writes
from tests.faults.database import Database, packed
from tests.standins.by_hand import sparse_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.boot.person import Person
    from tests.debian_tools import Tools
    from tests.faults.conftest import Tally

pytestmark = pytest.mark.faults

LOSSES = 4
ROWS = 60


def test_what_a_database_has_committed_outlives_a_loss_of_power(
    machine: Person, new: Callable[..., str], tools: Tools, tmp_path: Path, tally: Tally
) -> None:
    new("power")
    database = Database(machine, "power")
    database.bring(packed(tools, tmp_path / "sqlite.tar"))
    with database.writing(3):
        pass
    machine.b2p("down", "power")
    decided = machine.facts("power")["decided"]["command"]
    disk = Path(machine.facts("power")["files"]["data_disk"])
    before, log = tmp_path / "before.img", tmp_path / "log"
    sparse_copy(disk, before)

    qemu = writes.starter(tmp_path / "qemu", decided[: decided.index("-name")], log)
    machine.b2p("up", "power", "--qemu", str(qemu), environment={"B2P_GOLDEN": "false"})
    with database.writing(ROWS) as told:
        running = machine.qemu("power")
        assert running
        running.kill()
    await_true("its end", lambda: machine.qemu("power") is None)

    done = writes.logged(log)
    log.unlink()
    flushes = [at for at, one in enumerate(done) if one.flags & writes.FLUSH]
    assert len(flushes) > ROWS
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(LOSSES):
        # The last flush of all came after every row that was told; others are for consistency.
        kept = flushes[-1] if number == 0 else chance.choice(flushes)
        after = done[kept + 1 : next((at for at in flushes if at > kept), len(done))]
        sparse_copy(before, disk)
        writes.applied(disk, done[: kept + 1])
        writes.applied(disk, [one for one in after if chance.random() < 0.5])
        tally["losses of power"] += 1
        machine.b2p("up", "power", "--qemu", "auto")
        sound, last = database.read()
        assert sound == "ok"
        assert last >= (told if number == 0 else 3)
        machine.b2p("down", "--force", "power")
