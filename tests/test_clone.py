"""`b2p clone` as a story, with a QEMU that only pretends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.clone import clone
from b2p.errors import HostError, UsageError
from b2p.store import saved, snapshots, sparse
from tests.test_up import mounted_disk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes_story import Computer


@pytest.fixture
def stopped(computer: Computer) -> Computer:
    """A computer with a machine `one` that was used, and stopped."""
    computer.up("one")
    mounted_disk(computer.files("one").data_disk)
    computer.down("one", force=True)
    return computer


def cloned(computer: Computer) -> None:
    """`b2p clone one two`."""
    clone("one", "two", computer.layout, computer.report)


def test_a_clone_has_the_same_disk_and_nothing_else(stopped: Computer) -> None:
    cloned(stopped)
    one, two = stopped.record("one"), stopped.record("two")
    assert stopped.state("two") == "stopped"
    disks = [stopped.files(name).data_disk for name in ("one", "two")]
    assert disks[0].read_bytes()[:4096] == disks[1].read_bytes()[:4096]
    assert disks[0].stat().st_size == disks[1].stat().st_size
    assert one.uuid != two.uuid
    assert (two.ssh_port, two.pid, two.memory_mib) == (0, 0, one.memory_mib)
    assert two.first_ready
    assert not any(word in " ".join(two.command) for word in (one.uuid, "b2p-one", "machines/one"))


def test_its_up_finds_the_disk_as_it_was(stopped: Computer) -> None:
    cloned(stopped)
    before = stopped.files("two").data_disk.read_bytes()
    stopped.up("two")
    assert stopped.files("two").data_disk.read_bytes() == before
    assert stopped.requests("two")[-1]["name"] == "two"


def test_a_clone_of_a_suspended_machine_goes_on_as_somebody_else(stopped: Computer) -> None:
    stopped.up("one")
    stopped.suspend("one")
    cloned(stopped)
    assert [stopped.state(name) for name in ("one", "two")] == ["suspended", "suspended"]
    for name in ("two", "one"):
        stopped.up(name)
        assert stopped.report.notes[-1].startswith(f"machine {name!r} goes on")
        told = stopped.requests(name)[-1]
        assert told["name"] == name
        assert told["machine_id"] == stopped.record(name).uuid.replace("-", "")
    assert not stopped.report.warnings
    assert len(stopped.running()) == 2


def test_a_state_that_is_damaged_is_no_clones(stopped: Computer) -> None:
    stopped.up("one")
    stopped.suspend("one")
    stopped.files("one").saved_manifest.write_text("{")
    cloned(stopped)
    assert not saved.exists(stopped.files("two"))
    stopped.up("two")


def test_what_cannot_be_cloned_is_told(stopped: Computer) -> None:
    with pytest.raises(UsageError, match="there is no machine 'nobody'"):
        clone("nobody", "two", stopped.layout, stopped.report)
    with pytest.raises(UsageError, match="its own clone"):
        clone("one", "one", stopped.layout, stopped.report)
    cloned(stopped)
    with pytest.raises(UsageError, match="there is a machine 'two' already"):
        cloned(stopped)
    stopped.up("two")
    with pytest.raises(UsageError, match="'two' runs"):
        clone("two", "three", stopped.layout, stopped.report)
    assert not stopped.files("three").home.exists()
    assert not stopped.files("three").lock.exists()


def test_a_machine_whose_disk_lies_on_snapshots_is_not_cloned_without_them(
    stopped: Computer,
) -> None:
    snapshots.create(stopped.files("one"), "first", "2026-01-01")
    with pytest.raises(UsageError, match="lies on its snapshots"):
        cloned(stopped)
    assert not stopped.files("two").home.exists()


def test_without_room_nothing_is_left(stopped: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    before = stopped.left()
    monkeypatch.setattr(sparse, "copy", full)
    with pytest.raises(HostError, match="No space left"):
        cloned(stopped)
    assert [one for one in stopped.left() if "two" in one] == []
    assert stopped.left() == before
