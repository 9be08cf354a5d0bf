"""Files of b2p's own that somebody else has written to: machine.json, manifests, notes, locks."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from b2p.client import documents as clients
from b2p.host import brought, findings
from b2p.image import cache, downloads, proof
from b2p.report import SilentReport
from b2p.store import lock, record, saved, snapshots, states
from b2p.store.layout import MachineFiles, StateFiles
from tests.hostile_input import documents, harmless

if TYPE_CHECKING:
    from collections.abc import Callable

SOUND = record.Record(
    name="web",
    uuid="u",
    image="0" * 64,
    cpus=2,
    memory_mib=2048,
    disk_bytes=1 << 30,
    command=("qemu", "-m", "2G"),
    ports=("8080:80",),
    mounts=("/home",),
)
VALUES: dict[str, Any] = json.loads(record.encoded(SOUND))


def written(content: bytes, name: str, read: Callable[[Path], object]) -> None:
    """Have that content in a file of that name in a new directory, and read it."""
    with tempfile.TemporaryDirectory(prefix="b2p-") as folder, harmless():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        read(path)


def files_of(folder: Path) -> MachineFiles:
    return MachineFiles(home=folder, run=folder)


@given(documents(**VALUES))
def test_a_machines_record(content: bytes) -> None:
    with harmless():
        found = record.decoded(content, Path("/machines/web/machine.json"))
        # What is read has the types that the rest of b2p counts on.
        for field in dataclasses.fields(found):
            value = getattr(found, field.name)
            assert isinstance(value, type(getattr(SOUND, field.name))), field.name
        assert record.encoded(found)


@given(documents(**VALUES))
def test_a_broken_record_hides_no_other(content: bytes) -> None:
    def read(path: Path) -> None:
        found = record.listing(path.parent.parent)
        assert len(found.names) == 1

    written(content, "web/machine.json", read)


SNAPSHOT = {"schema": 1, "name": "before", "created": "2026-11-25T12:00:00+00:00"}


@given(documents(**SNAPSHOT))
def test_a_note_of_a_snapshot(content: bytes) -> None:
    def read(path: Path) -> None:
        files = files_of(path.parents[2])
        other = path.parents[1] / "other" / snapshots.NOTE
        other.parent.mkdir()
        other.write_text(json.dumps(SNAPSHOT))
        for one in snapshots.listing(files):
            assert isinstance(one.name, str)

    written(content, f"snapshots/abc/{snapshots.NOTE}", read)


SAVED = {"schema": 1, "command": ["q"], "fields": {"memory": "2G"}, "saved_at": "now"}


@given(documents(**SAVED))
def test_a_manifest_of_a_saved_state(content: bytes) -> None:
    sample = files_of(Path("/x")).saved_manifest
    written(content, sample.name, lambda path: saved.read(files_of(path.parent)))


STATE = {"schema": 1, "kind": "fresh", "made_at": "now", "fields": {"a": "b"}, "files": {}}


@given(documents(**STATE))
def test_a_manifest_of_a_golden_state(content: bytes) -> None:
    def read(path: Path) -> None:
        states.every(path.parent.parent)
        states.read(path.parent)

    written(content, f"a/{StateFiles(Path('/x')).manifest.name}", read)


IMAGE = {
    "schema": 1,
    "digest": "0" * 64,
    "arch": "x86_64",
    "recipe": "r",
    "extra": ["htop"],
    "files": {
        name: {"size": 0, "sha256": "0" * 64} for name in ("kernel", "initrd", "root.squashfs")
    },
}


@given(documents(**IMAGE))
def test_a_manifest_of_an_image(content: bytes) -> None:
    def read(path: Path) -> None:
        for name in (cache.KERNEL, cache.INITRD, cache.ROOT):
            (path.parent / name).touch()
        images = path.parent.parent
        assert len(cache.every(images)) <= 1
        cache.newest(images, recipe="r", arch="x86_64")
        cache.by_prefix(images, "0")

    written(content, f"0/{cache.MANIFEST}", read)


MEDIUM = {
    "schema": 1,
    "digest": "0" * 64,
    "file": "image",
    "name": "a.iso",
    "url": "http://x",
    "size": 0,
    "proven": [],
}


@given(documents(**MEDIUM))
def test_a_manifest_of_a_downloaded_image(content: bytes) -> None:
    def read(path: Path) -> None:
        (path.parent / "image").touch()
        for one in downloads.every(path.parent.parent):
            assert one.path.parent == path.parent

    written(content, f"0/{downloads.MANIFEST}", read)


NOTE = {"url": "http://x", "digest": "0" * 64, "etag": "", "last_modified": ""}


@given(documents(**NOTE))
def test_a_note_of_an_address(content: bytes) -> None:
    def read(path: Path) -> None:
        note = downloads._note(path.parent, "http://x")
        note.parent.mkdir(exist_ok=True)
        path.rename(note)
        downloads.remembered(note.parent.parent, "http://x")

    written(content, "note", read)


@given(documents(schema=1, qemu={"a": {"x": 1}}))
def test_findings_of_this_computer(content: bytes) -> None:
    def read(path: Path) -> None:
        findings.read(path, "qemu", "a")
        findings.write(path, "qemu", "b", {"x": 2})
        assert findings.read(path, "qemu", "b") == {"x": 2}

    written(content, "findings.json", read)


@given(documents(schema=2, arch="x86_64", guest="x86_64", packages=[]))
def test_a_manifest_of_a_brought_qemu(content: bytes) -> None:
    kind = brought.Kind("x86_64", "x86_64")
    written(content, "a/manifest.json", lambda path: brought.existing(kind, path.parent.parent))


@given(documents(pid=1, command="up", since=1.5))
def test_who_holds_a_lock(content: bytes) -> None:
    written(content, "lock", lock.holder)


@given(documents(**{"/x": {"identity": [0, 0, 0, 0], "digests": {"sha256": "0"}}}))
def test_digests_that_were_remembered(content: bytes) -> None:
    def read(path: Path) -> None:
        image = path.parent / "image"
        image.touch()
        assert len(proof.Digests(path, SilentReport()).of(image)) == 64

    written(content, "digests.json", read)


def test_digests_remembered_of_another_kind(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.touch()
    entries: list[object] = [[], "x", {"identity": None, "digests": []}]
    for entry in entries:
        (tmp_path / "digests.json").write_text(json.dumps({str(image): entry}))
        assert len(proof.Digests(tmp_path / "digests.json", SilentReport()).of(image)) == 64


@given(documents(currentContext="x", auths={}) | st.just(b"\xff"))
def test_settings_of_other_clients(content: bytes) -> None:
    written(content, "config.json", clients.object_of)
