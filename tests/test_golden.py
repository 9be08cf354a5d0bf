"""Machines that begin from golden states, as stories, with a QEMU that only pretends."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import golden
from b2p.errors import GuestError
from b2p.golden import beginning
from b2p.store import states
from b2p.store.layout import StateFiles
from tests.test_up import mounted_disk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes_story import Computer

LOAD = ["migrate-set-capabilities", "migrate-set-parameters", "migrate-incoming", "cont"]


def asked(computer: Computer, name: str = "default") -> list[str]:
    """What guest and QEMU were asked that has to do with the state, in order."""
    return [one.get("do") or one["qmp"] for one in computer.requests(name)]


def kept(computer: Computer) -> list[states.State]:
    """The golden states."""
    return states.every(computer.layout.states)


def used_before(computer: Computer, **said: Any) -> None:
    """A machine that was used, and stopped."""
    computer.up(**said)
    mounted_disk(computer.files().data_disk)
    computer.down(force=True)


def test_the_first_new_machine_leaves_a_state_and_begins_from_it(computer: Computer) -> None:
    result = computer.up(golden=True)
    (state,) = kept(computer)
    assert state.kind == "fresh"
    assert asked(computer) == [*LOAD, "identity"]
    assert computer.running() == [result.record.pid]
    assert list(computer.layout.throwaway().machines.iterdir()) == []
    assert not computer.report.warnings
    assert result.record.first_ready


def test_the_next_new_machine_only_begins_from_it(computer: Computer) -> None:
    computer.up("one", golden=True)
    mine = kept(computer)
    os.utime(mine[0].files.manifest, (1, 1))
    computer.up("two", golden=True)
    (again,) = kept(computer)
    assert again.files == mine[0].files
    assert again.used_at > 1
    one, two = (computer.requests(name)[-1] for name in ("one", "two"))
    for key in ("machine_id", "entropy", "name"):
        assert one[key] != two[key]
    assert not one["throwaway"]


def test_a_stopped_machine_begins_from_a_bare_state_with_its_own_disk(computer: Computer) -> None:
    used_before(computer)
    disk = computer.files().data_disk.read_bytes()
    computer.up(golden=True)
    (state,) = kept(computer)
    assert state.kind == "bare"
    assert not state.files.disk.exists()
    assert asked(computer) == [*LOAD, "identity"]
    assert computer.files().data_disk.read_bytes() == disk


def test_the_command_that_is_recorded_is_that_of_a_plain_start(computer: Computer) -> None:
    plain = computer.up("plain").command
    begun = computer.up("begun", golden=True).record.command
    assert begun == tuple(
        word.replace("plain", "begun")
        .replace(computer.record("plain").uuid, computer.record("begun").uuid)
        .replace(str(computer.files("plain").run), str(computer.files("begun").run))
        for word in plain
    )


@pytest.mark.parametrize(
    "said",
    [{"memory": 1 << 30}, {"cpus": 1}, {"disk": 2 << 30}, {"varlink": "off"}],
    ids=lambda said: next(iter(said)),
)
def test_machines_of_another_shape_begin_from_another_state(
    computer: Computer, said: dict[str, Any]
) -> None:
    computer.up("one", golden=True)
    computer.up("two", golden=True, **said)
    # How varlink is reached is the host's business alone.
    assert len(kept(computer)) == (1 if "varlink" in said else 2)


def test_options_of_the_users_own_make_a_plain_start(computer: Computer) -> None:
    computer.up(golden=True, extra=("-device", "x"))
    assert kept(computer) == []
    assert asked(computer) == ["identity"]


def test_without_room_it_is_a_plain_start(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden, "NEEDED_BYTES", 1 << 62)
    computer.up(golden=True)
    assert kept(computer) == []
    assert asked(computer) == ["identity"]
    assert not computer.report.warnings


@pytest.mark.parametrize("fault", ["no-save", "no-freeze"])
def test_a_state_that_cannot_be_made_makes_a_plain_start_and_is_let_be(
    computer: Computer, fault: str
) -> None:
    computer.up("one", golden=True, fault=fault)
    assert len(computer.report.warnings) == 1
    assert "no golden state could be made" in computer.report.warnings[0]
    assert asked(computer, "one") == ["identity"]
    assert kept(computer) == []
    assert list(computer.layout.throwaway().machines.iterdir()) == []
    computer.up("two", golden=True)
    assert asked(computer, "two") == ["identity"]
    assert len(computer.report.warnings) == 1


def test_a_state_that_cannot_be_used_gives_way_to_a_plain_start(computer: Computer) -> None:
    computer.up("one", golden=True)
    computer.up("two", golden=True, fault="no-load")
    assert "no golden state could be used" in computer.report.warnings[0]
    assert asked(computer, "two") == ["identity"]
    assert kept(computer) == []
    assert len(computer.running()) == 2


def test_a_damaged_state_is_told_and_made_anew(computer: Computer) -> None:
    computer.up("one", golden=True)
    (state,) = kept(computer)
    state.files.devices.chmod(0o600)
    state.files.devices.write_bytes(b"cut")
    computer.up("two", golden=True)
    (warning,) = computer.report.warnings
    assert "its 'devices' was changed; it is removed, and made anew" in warning
    assert asked(computer, "two") == [*LOAD, "identity"]
    assert len(kept(computer)) == 1


def test_a_broken_start_leaves_nothing_of_a_new_machine(computer: Computer) -> None:
    with pytest.raises(GuestError):
        computer.up(golden=True, fault="fails")
    assert computer.left() == []
    assert computer.running() == []
    assert kept(computer) == []


def test_a_state_that_is_gone_while_it_is_used_is_no_failure(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.up("one", golden=True)
    (state,) = kept(computer)

    def removed(_: object) -> None:
        states.remove(state.files.home)

    monkeypatch.setattr(states, "mark_used", removed)
    computer.up("two", golden=True)
    assert asked(computer, "two") == ["identity"]


def test_the_limit_holds(computer: Computer) -> None:
    computer.up("one", golden=True)
    (state,) = kept(computer)
    os.utime(state.files.manifest, (1, 1))
    computer.up("two", golden=True, memory=1 << 30, golden_limit=state.used_bytes + 1)
    (left,) = kept(computer)
    assert left.key != state.key
    assert StateFiles(state.files.home).home.exists() is False


def test_what_is_saved_later_is_all_of_the_machine(computer: Computer) -> None:
    """QEMU still knows that the memory was not in the state by which the machine was loaded."""
    computer.up(golden=True)
    mounted_disk(computer.files().data_disk)
    computer.suspend()
    said = [one["arguments"] for one in computer.requests() if "arguments" in one]
    loaded, saved = ({one["capability"]: one["state"] for one in each} for each in said)
    assert loaded == {
        "mapped-ram": False,
        "multifd": False,
        "events": True,
        "x-ignore-shared": True,
    }
    assert saved == {"mapped-ram": True, "multifd": True, "events": True, "x-ignore-shared": False}


def test_a_disk_is_whole_or_not_there_whenever_its_copying_is_broken_off(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.up("first", golden=True)

    def half(_source: Path, target: Path) -> None:
        # As by a kill: nothing is cleared away.
        assert not target.exists()
        target.write_bytes(bytes(1024) + b"x" * 100)
        raise KilledError

    monkeypatch.setattr("b2p.store.sparse.copy", half)
    part: Any = SimpleNamespace(context=SimpleNamespace(files=computer.files("first")))
    (fresh,) = [one for one in kept(computer) if one.kind == "fresh"]
    with pytest.raises(KilledError):
        beginning.prepare_disk(part, fresh)
    before = computer.files("first").data_disk.read_bytes()
    assert before[1024:1124] != b"x" * 100
    # What is left of it is in nobody's way.
    with pytest.raises(KilledError):
        beginning.prepare_disk(part, fresh)
    assert computer.files("first").data_disk.read_bytes() == before


class KilledError(Exception):
    """b2p was killed."""
