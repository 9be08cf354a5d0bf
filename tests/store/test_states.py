"""Golden states on the disk: whole where they are found, and never too many."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from b2p.errors import StateError
from b2p.store import lock, states
from b2p.store.layout import MachineFiles

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {"memory": "2048M", "kind": "fresh"}
NOW = "2026-01-01T00:00:00+00:00"


def published(
    root: Path,
    fields: dict[str, str] = FIELDS,
    *,
    size: int = 4096,
    states_in: Path | None = None,
) -> states.State:
    """A state, made of a machine that has left these files."""
    made = MachineFiles(home=root / "golden-1", run=root / "run")
    made.home.mkdir()
    made.memory.write_bytes(os.urandom(size))
    made.devices.write_bytes(b"devices")
    made.console_log.write_bytes(b"said")
    made.data_disk.write_bytes(b"disk")
    state = states.publish(states_in or root / "states", made, "fresh", fields, now=NOW)
    made.home.rmdir()
    return state


def test_what_was_published_is_found_by_its_fields(tmp_path: Path) -> None:
    state = published(tmp_path)
    assert states.find(tmp_path / "states", FIELDS) == state
    assert (state.kind, state.made_at) == ("fresh", NOW)
    assert state.files.disk.read_bytes() == b"disk"
    assert state.files.memory.stat().st_mode & 0o777 == 0o400
    assert states.find(tmp_path / "states", {**FIELDS, "memory": "1024M"}) is None


@pytest.mark.parametrize("name", ["ram", "devices", "data.raw"])
def test_a_state_whose_file_was_changed_is_damaged(tmp_path: Path, name: str) -> None:
    state = published(tmp_path)
    path = state.files.home / name
    path.chmod(0o600)
    path.write_bytes(b"longer than it was, or shorter")
    with pytest.raises(StateError, match=f"its '{name}' was changed"):
        states.find(tmp_path / "states", FIELDS)


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    state = published(tmp_path)
    state.files.devices.unlink()
    with pytest.raises(StateError, match="No such file"):
        states.find(tmp_path / "states", FIELDS)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 9}', '{"schema": 1}', "\xff"])
def test_a_manifest_of_nonsense_is_told_and_hides_no_other(tmp_path: Path, content: str) -> None:
    state = published(tmp_path)
    other = published(tmp_path, {"memory": "other"})
    state.files.manifest.write_bytes(content.encode("latin-1"))
    with pytest.raises(StateError, match="cannot be used"):
        states.find(tmp_path / "states", FIELDS)
    assert states.every(tmp_path / "states") == [other]


def test_a_manifest_in_the_wrong_place_is_not_believed(tmp_path: Path) -> None:
    state = published(tmp_path)
    elsewhere = tmp_path / "states" / states.key_of({"memory": "else"})
    state.files.home.rename(elsewhere)
    with pytest.raises(StateError, match="tells of another"):
        states.find(tmp_path / "states", {"memory": "else"})


def test_a_state_is_made_again_over_the_old_one(tmp_path: Path) -> None:
    before = published(tmp_path)
    after = published(tmp_path)
    assert before.files == after.files
    assert states.find(tmp_path / "states", FIELDS) == after
    assert [path.name for path in (tmp_path / "states").iterdir()] == [after.key]


def test_a_machine_that_left_too_little_leaves_no_state(tmp_path: Path) -> None:
    made = MachineFiles(home=tmp_path / "golden-1", run=tmp_path / "run")
    made.home.mkdir()
    made.memory.write_bytes(b"ram")
    with pytest.raises(FileNotFoundError):
        states.publish(tmp_path / "states", made, "bare", FIELDS, now=NOW)
    assert list((tmp_path / "states").iterdir()) == []


def test_those_not_used_for_longest_go_first(tmp_path: Path) -> None:
    kept = [published(tmp_path, {"memory": str(number)}, size=1 << 20) for number in range(3)]
    for age, state in zip((30, 10, 20), kept, strict=True):
        then = time.time() - age
        os.utime(state.files.manifest, (then, then))
    removed = states.trim(tmp_path / "states", 2 * kept[0].used_bytes + 1000)
    assert [state.key for state in removed] == [kept[0].key]
    states.mark_used(kept[2])
    assert [state.key for state in states.every(tmp_path / "states")] == [kept[2].key, kept[1].key]


def test_what_was_refused_is_let_be_for_a_day(tmp_path: Path) -> None:
    assert not states.is_refused(tmp_path, FIELDS)
    states.refuse(tmp_path, FIELDS, "no room")
    assert states.is_refused(tmp_path, FIELDS)
    assert not states.is_refused(tmp_path, {})
    path = tmp_path / states.REFUSALS / states.key_of(FIELDS)
    old = time.time() - states.AGAIN_SECONDS - 1
    os.utime(path, (old, old))
    assert not states.is_refused(tmp_path, FIELDS)


def test_what_is_no_whole_state_is_swept_unless_it_is_being_made(tmp_path: Path) -> None:
    state = published(tmp_path)
    other = {"memory": "other"}
    making = tmp_path / "states" / f"{states.ASIDE}{states.key_of(other)}"
    making.mkdir()
    (tmp_path / "states/broken").mkdir()
    states.refuse(tmp_path / "states", other, "no room")
    with lock.hold(states.lock_of(tmp_path / "states", other), command="b2p up"):
        states.sweep(tmp_path / "states")
        assert making.exists()
    states.sweep(tmp_path / "states")
    left = [path.name for path in (tmp_path / "states").iterdir() if path.is_dir()]
    assert left == [state.key]
    assert not states.is_refused(tmp_path / "states", other)
