"""`b2p export` and `import`: a machine goes through a file, or it does not at all."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from b2p import moving
from b2p.errors import TamperedError, UsageError
from b2p.formats import parcel
from b2p.host import computer
from b2p.report import SilentReport
from b2p.store import record as records
from b2p.store.layout import Layout
from tests import fakes_machine
from tests.fakes import short_directory
from tests.hostile_input import documents, harmless, spoiled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20
IMAGE = "0123456789abcdef" * 4


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    def ensure(path: Path, _run: object) -> str:
        if not path.exists():
            path.write_text("new key")
            path.with_suffix(".pub").write_text("ssh-ed25519 NEW")
        return path.with_suffix(".pub").read_text()

    monkeypatch.setattr("b2p.client.ssh.ensure_key", ensure)
    with short_directory() as root:
        yield Layout(
            data=root / "data", cache=root / "cache", config=root / "config", sockets=root / "s"
        )


@pytest.fixture
def exported(layout: Layout, tmp_path: Path) -> Path:
    """The file of a stopped machine `one` with something on its disk of 100 MiB."""
    fakes_machine.stopped_machine(
        layout, "one", image=IMAGE, disk_bytes=100 * MIB, ports=("8080:80", "0.0.0.0:81:81"),
        publish="all", mounts=("/home/me",),
    )  # fmt: skip
    files = layout.machine("one")
    files.host_key.write_text("old key")
    files.host_key.with_suffix(".pub").write_text("ssh-ed25519 OLD")
    with files.data_disk.open("r+b") as disk:
        disk.truncate(100 * MIB)
        for place in (0, 7 * MIB + 5, 99 * MIB):
            os.pwrite(disk.fileno(), os.urandom(70_000), place)
    target = tmp_path / "one.b2p"
    moving.export("one", target, layout, SilentReport(), keys=False)
    return target


def taken_in(path: Path, layout: Layout, name: str = "two") -> records.Record:
    return moving.take_in(path, name, layout, SilentReport())


def test_the_disk_is_the_same_and_takes_no_more_room(layout: Layout, exported: Path) -> None:
    assert exported.stat().st_size < MIB
    assert exported.stat().st_mode & 0o777 == 0o600
    made = taken_in(exported, layout)
    one, two = (layout.machine(name).data_disk for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert two.stat().st_blocks * 512 < 2 * MIB
    assert two.stat().st_mode & 0o777 == 0o600
    assert records.read(layout.machine("two").record) == made


def test_a_machine_stays_of_its_architecture(
    layout: Layout, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the computer is that it comes to; the record of an older b2p does not say."""
    assert records.read(layout.machine("one").record).arch == ""  # type: ignore[union-attr]
    here = computer.arch()
    monkeypatch.setattr(computer, "arch", lambda: "another")
    assert taken_in(exported, layout).arch == here


def test_what_a_machine_may_do_here_is_not_in_the_file(layout: Layout, exported: Path) -> None:
    made = taken_in(exported, layout)
    assert (made.publish, made.mounts, made.ports) == ("loopback", (), ("8080:80",))
    assert made.uuid != fakes_machine.UUID
    assert (made.pid, made.ssh_port, made.image) == (0, 0, IMAGE)
    assert layout.machine("two").host_key.read_text() == "new key"
    assert b"old key" not in zstandard.decompress(exported.read_bytes(), max_output_size=1 << 30)


def test_keys_come_along_where_they_are_asked_for(
    layout: Layout, exported: Path, tmp_path: Path
) -> None:
    target = tmp_path / "keys.b2p"
    moving.export("one", target, layout, SilentReport(), keys=True)
    taken_in(target, layout)
    assert layout.machine("two").host_key.read_text() == "old key"
    assert layout.machine("two").host_key.stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_taken_is_left_alone(layout: Layout, exported: Path) -> None:
    before = layout.machine("one").data_disk.read_bytes()
    with pytest.raises(UsageError, match="there is a machine 'one' already"):
        taken_in(exported, layout, "")
    assert layout.machine("one").data_disk.read_bytes() == before


def test_what_runs_or_is_there_is_not_written(layout: Layout, exported: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        moving.export("one", exported, layout, SilentReport(), keys=False)
    with (
        fakes_machine.running_machine(layout, "busy"),
        pytest.raises(UsageError, match="'busy' is running"),
    ):
        moving.export("busy", exported.with_name("busy"), layout, SilentReport(), keys=False)
    assert [path.name for path in exported.parent.iterdir()] == ["one.b2p"]


@pytest.mark.parametrize("fault", ["cut", "flipped", "empty", "page"])
def test_a_damaged_file_makes_no_machine(layout: Layout, exported: Path, fault: str) -> None:
    content = exported.read_bytes()
    plain = zstandard.decompress(content, max_output_size=1 << 30)
    spoilt = {
        "cut": content[: len(content) // 2],
        "flipped": zstandard.compress(plain[:500] + bytes([plain[500] ^ 1]) + plain[501:]),
        "empty": b"",
        "page": b"<html>",
    }[fault]
    exported.write_bytes(spoilt)
    with pytest.raises(TamperedError):
        taken_in(exported, layout)
    assert not layout.machine("two").home.exists()
    assert not layout.machine("two").run.exists()


MACHINE = {"image": IMAGE, "cpus": 2, "memory_mib": 512, "disk_bytes": MIB, "ports": []}
HEADER = {"schema": 1, "written_by": "0.1.0", "name": "one", "host_key": "k", "machine": MACHINE}


@given(documents(**HEADER))
def test_a_header_of_any_kind(text: bytes) -> None:
    with harmless():
        stream = parcel.MAGIC + len(text).to_bytes(8) + text
        found = parcel.Reader(io.BytesIO(stream), where="x").header()
        made = moving._record(found, "two", "x")
        assert len(made.image) == 64
        assert made.disk_bytes > 0


@given(spoiled(b"".join(parcel.written({"a": 1}, [(0, b"abc"), (10, b"def")]))), st.integers(0, 20))
def test_a_stream_of_any_kind(stream: bytes, size: int) -> None:
    with harmless():
        reader = parcel.Reader(io.BytesIO(stream), where="x")
        reader.header()
        for offset, data in reader.pieces(size):
            assert offset + len(data) <= size
