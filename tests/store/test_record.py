"""What was decided about a machine: written whole, read with care."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from b2p.errors import StateError
from b2p.store import record
from b2p.store.record import Record

if TYPE_CHECKING:
    from pathlib import Path

A = Record(
    name="a",
    uuid="6b32502b-1c54-4c5c-9d3a-08d7a0f1f001",
    image="sha256-of-it",
    cpus=2,
    memory_mib=2048,
    disk_bytes=100 << 30,
    ssh_port=40001,
    created="2026-01-01T00:00:00Z",
    written_by="0.1.0",
    pid=77,
    pid_start=12.25,
    command=("qemu", "-m", "2048M"),
    extra=("-device", "a,b"),
)


def written(machines: Path, home_name: str, **changes: object) -> Path:
    """The path of a machine's file, with some of its values changed or (None) taken out."""
    values: dict[str, Any] = json.loads(record.encoded(dataclasses.replace(A, name=home_name)))
    values.update(changes)
    home = machines / home_name
    home.mkdir(parents=True)
    path = home / record.FILE
    path.write_text(json.dumps({key: one for key, one in values.items() if one is not None}))
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / record.FILE
    path.parent.mkdir()
    record.write(path, A)
    assert record.read(path) == A
    assert json.loads(path.read_bytes())["schema"] == 1


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_nobody_else_can_read_it_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "a" / record.FILE
    path.parent.mkdir()
    before = os.umask(umask)
    try:
        record.write(path, A)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_machine_that_is_not_there_has_no_record(tmp_path: Path) -> None:
    assert record.read(tmp_path / "a" / record.FILE) is None


def test_a_newer_schema_names_the_b2p_that_wrote_it(tmp_path: Path) -> None:
    path = written(tmp_path, "a", schema=2, written_by="3.0")
    with pytest.raises(StateError, match=r"'a' was written by b2p 3\.0") as caught:
        record.read(path)
    assert "run that b2p" in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b"7", b"null", b"{}", b"[" * 100_000, b'{"schema": true}'],
)
def test_a_broken_file_is_named_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, "a")
    path.write_bytes(content)
    with pytest.raises(StateError) as caught:
        record.read(path)
    assert repr(str(path)) in caught.value.message
    assert "\n" not in caught.value.message
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", 0),
        ("schema", "1"),
        ("name", "../b"),
        ("uuid", None),
        ("arch", "riscv64"),
        ("arch", 1),
        ("cpus", None),
        ("cpus", "2"),
        ("cpus", True),
        ("cpus", -1),
        ("memory_mib", 1.5),
        ("command", "qemu"),
        ("command", [1]),
        ("pid_start", "now"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, key: str, value: object) -> None:
    path = written(tmp_path, "a", **{key: value})
    with pytest.raises(StateError, match=r"\.\./b" if key == "name" else key):
        record.read(path)


def test_keys_of_a_later_b2p_survive_this_one(tmp_path: Path) -> None:
    path = written(tmp_path, "a", gadgets=[{"from": "/home"}])
    found = record.read(path)
    assert found is not None
    record.write(path, dataclasses.replace(found, cpus=1))
    values = json.loads(path.read_bytes())
    assert (values["gadgets"], values["cpus"]) == ([{"from": "/home"}], 1)


def test_keys_of_this_b2p_may_lack_where_an_earlier_one_wrote(tmp_path: Path) -> None:
    found = record.read(written(tmp_path, "a", extra=None, ssh_port=None))
    assert found is not None
    assert (found.extra, found.ssh_port) == ((), 0)


def test_a_copied_directory_is_not_taken_for_the_machine(tmp_path: Path) -> None:
    written(tmp_path, "a").parent.rename(tmp_path / "b")
    with pytest.raises(StateError, match="machine 'a'"):
        record.read(tmp_path / "b" / record.FILE)


def test_a_failed_write_leaves_the_old_record_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "a")
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match="No space left"):
        record.write(path, A)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing_beside_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "a")

    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        record.write(path, A)
    assert list(path.parent.iterdir()) == [path]


def test_a_list_holds_the_whole_ones_and_names_the_broken(tmp_path: Path) -> None:
    written(tmp_path, "c")
    written(tmp_path, "a")
    written(tmp_path, "b").write_text("{")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / ".a.lock").write_text("")
    found = record.listing(tmp_path)
    assert [one.name for one in found.records] == ["a", "c"]
    assert [problem.name for problem in found.problems] == ["b", "empty", "file"]
    assert found.names == ("a", "b", "c", "empty", "file")


def test_no_machines_yet_is_an_empty_list(tmp_path: Path) -> None:
    assert record.listing(tmp_path / "none") == record.Listing(())
    assert record.listing(written(tmp_path, "a")).problems[0].name == "*"


def test_a_machine_with_an_engine_of_a_later_b2p_hides_none(tmp_path: Path) -> None:
    written(tmp_path, "web")
    written(tmp_path, "other", engine="rkt")
    found = record.listing(tmp_path)
    assert [one.name for one in found.records] == ["web"]
    assert "'rkt' is none that this b2p knows" in found.problems[0].error.message
