"""`b2p set`: what is decided anew, and when it is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from b2p import settings
from b2p.change import change
from b2p.errors import UsageError

if TYPE_CHECKING:
    from tests.fakes_story import Computer


def changed(computer: Computer, overruled: dict[str, str] | None = None, **values: Any) -> None:
    wishes = settings.merged([settings.Layer("flags", values)], cores=4)
    change("default", wishes, computer.layout, computer.report, overruled=overruled or {})


def test_a_stopped_machine_is_decided_anew_and_starts_so(computer: Computer) -> None:
    computer.up()
    computer.down()
    changed(computer, cpus=3, memory="1GiB", disk="2GiB")
    assert computer.report.notes[-1] == "machine 'default': cpus 3, memory 1024MiB, disk 2GiB"
    record = computer.up().record
    assert (record.cpus, record.memory_mib, record.disk_bytes) == (3, 1024, 2 << 30)
    assert computer.files().data_disk.stat().st_size == 2 << 30
    assert "-smp" in record.command
    assert "3" in record.command


def test_one_that_runs_is_told_to_be_restarted(computer: Computer) -> None:
    computer.up()
    changed(computer, cpus=3)
    assert "in force when it is started next" in computer.report.notes[-1]
    assert computer.record().cpus == 3
    computer.up()
    assert not computer.report.warnings


def test_one_that_is_suspended_boots_anew(computer: Computer) -> None:
    computer.up()
    computer.suspend()
    changed(computer, memory="1GiB")
    assert "does not fit any more" in computer.report.warnings[-1]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"disk": "1023MiB"}, "1GiB or more"),
        ({"memory": "9GiB"}, "this computer has 8192"),
        ({"memory": "300MiB"}, "too little memory"),
        ({}, "nothing to set"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    computer: Computer, values: dict[str, Any], told: str
) -> None:
    computer.up()
    before = computer.record()
    with pytest.raises(UsageError) as caught:
        changed(computer, **values)
    assert told in f"{caught.value.message}; {caught.value.hint}"
    assert computer.record() == before


def test_a_disk_never_shrinks(computer: Computer) -> None:
    computer.up(disk=4 << 30)
    with pytest.raises(UsageError, match="cannot shrink"):
        changed(computer, disk="2GiB")


def test_whoever_overrules_it_is_named(computer: Computer) -> None:
    computer.up()
    changed(computer, {"cpus": "/p/b2p.toml", "memory": "elsewhere"}, cpus=3)
    (warning,) = computer.report.warnings
    assert "/p/b2p.toml says another cpus" in warning


def test_what_is_so_already_is_told(computer: Computer) -> None:
    computer.up()
    changed(computer, cpus=2)
    assert computer.report.notes[-1] == "machine 'default' is so already"


def test_there_has_to_be_a_machine(computer: Computer) -> None:
    with pytest.raises(UsageError, match="there is no machine"):
        changed(computer, cpus=2)
    assert computer.left() == []
