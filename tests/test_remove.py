"""`b2p rm` as a story, with a QEMU that only pretends."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from b2p.errors import StateError, UsageError
from b2p.remove import erase

if TYPE_CHECKING:
    from tests.fakes_story import Computer


def test_a_stopped_machine_is_removed_with_all_that_is_in_it(computer: Computer) -> None:
    computer.up("one")
    computer.up("two")
    computer.down("one", force=True)
    computer.remove("one")
    assert not [name for name in computer.left() if "one" in name]
    assert not computer.files("one").run.exists()
    assert computer.files("two").record.exists()
    assert len(computer.running()) == 1


def test_a_running_machine_is_left_alone_without_force(computer: Computer) -> None:
    record = computer.up().record
    with pytest.raises(UsageError, match="is running") as caught:
        computer.remove()
    assert "b2p rm -f default" in caught.value.hint
    assert computer.running() == [record.pid]
    assert computer.files().data_disk.exists()


def test_with_force_a_running_machine_goes_too(computer: Computer) -> None:
    computer.up()
    computer.remove(force=True)
    assert not computer.running()
    assert not computer.left()


@pytest.mark.parametrize("force", [False, True])
def test_one_that_nobody_knows_is_the_users_mistake(computer: Computer, force: bool) -> None:
    with pytest.raises(UsageError, match="there is no machine 'nobody'"):
        computer.remove("nobody", force=force)
    assert not computer.left()


def test_one_with_a_broken_record_goes_by_force_only(computer: Computer) -> None:
    computer.up()
    computer.files().record.write_text("{")
    with pytest.raises(StateError, match="it is not JSON"):
        computer.remove()
    assert len(computer.running()) == 1
    computer.remove(force=True)
    assert not computer.running()
    assert not computer.left()


def test_one_whose_directory_was_deleted_is_ended_by_force(computer: Computer) -> None:
    computer.up()
    shutil.rmtree(computer.files().home)
    with pytest.raises(UsageError, match="is running"):
        computer.remove()
    computer.remove(force=True)
    assert not computer.running()
    assert not computer.left()


def test_one_whose_record_is_lost_is_removed(computer: Computer) -> None:
    computer.up()
    computer.down(force=True)
    computer.files().record.unlink()
    computer.remove()
    assert not computer.left()


def test_what_cannot_be_removed_is_named(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.up()
    computer.down(force=True)

    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(StateError, match="Permission denied") as caught:
        erase(computer.files())
    assert str(computer.files().run) in caught.value.message
    monkeypatch.undo()
