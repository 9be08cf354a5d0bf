"""What a file is, and what it shows of its maker."""

from __future__ import annotations

import contextlib
import gzip
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b2p.errors import UsageError
from b2p.formats import qcow2
from b2p.image import medium
from tests import fakes_iso
from tests.formats.test_partitions import ESP, ROOT_X86, gpt

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = 1 << 16


def as_qcow2(disk: bytes) -> bytes:
    """The first clusters of that disk in a qcow2."""
    out = bytearray(qcow2.overlay(size=len(disk), backing="/b", backing_format="raw"))
    struct.pack_into(">QI", out, 8, 0, 0)
    table, data = len(out), len(out) + CLUSTER
    struct.pack_into(">Q", out, 3 * CLUSTER, table)
    entries = [data + at for at in range(0, len(disk), CLUSTER)]
    return bytes(out) + struct.pack(f">{len(entries)}Q", *entries).ljust(CLUSTER, b"\0") + disk


def test_an_iso_shows_its_label_files_and_choice(tmp_path: Path) -> None:
    found = medium.examine(fakes_iso.iso(tmp_path / "x"), name="boot2podman.iso")
    assert (found.kind, found.file_name) == ("iso", "boot2podman.iso")
    assert (found.label, found.arch) == ("Boot2Podman-v0.26", "x86_64")
    assert found.choice is not None
    assert "/boot/core.gz" in found.files
    assert (found.boots_bios, found.boots_uefi) == (True, False)


def test_an_iso_for_uefi_alone_is_known_by_its_loader(tmp_path: Path) -> None:
    path = fakes_iso.iso(tmp_path / "a.iso", {"/EFI/BOOT/BOOTAA64.EFI": b"x"})
    found = medium.examine(path)
    assert (found.arch, found.boots_bios, found.choice) == ("aarch64", False, None)


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_a_disk_shows_its_partitions(tmp_path: Path, kind: str) -> None:
    disk = bytes(gpt((ESP, "EFI-SYSTEM", 2048, 4095), (ROOT_X86, "ROOT", 4096, 8191)))
    path = tmp_path / "disk.img"
    path.write_bytes(disk if kind == "raw" else as_qcow2(disk))
    found = medium.examine(path)
    assert (found.kind, found.size, found.arch) == (kind, 8 << 20, "x86_64")
    assert [one.name for one in found.partitions] == ["EFI-SYSTEM", "ROOT"]
    assert (found.boots_bios, found.boots_uefi) == (False, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n <!DOCTYPE html><title>Log in", "web page"),
        (b"KDMV" + bytes(1000), "VMware"),
        (fakes_iso.X86_KERNEL, "Linux kernel"),
        (b"hsqs" + bytes(1000), "squashfs"),
        (gzip.compress(b"x", mtime=0), "packed twice"),
        (b"just some text", "not an image"),
        (bytes(1 << 20), "not an image"),
    ],
)
def test_what_is_no_image_is_told_in_a_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        medium.examine(tmp_path / "file")
    assert "\n" not in caught.value.message


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        medium.examine(tmp_path / "gone")
    with pytest.raises(UsageError, match="directory"):
        medium.examine(tmp_path)


def test_another_processors_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fedora-arm64.img"
    path.write_bytes(gpt((ESP, "x", 2048, 4095)))
    found = medium.examine(path)
    with pytest.raises(UsageError, match="aarch64 processors"):
        medium.check_architecture(found, "x86_64")
    medium.check_architecture(found, "aarch64")


RAW = bytes(gpt((ESP, "EFI-SYSTEM", 2048, 4095)))[: 3 << 19]
SOUND = {"raw": RAW, "qcow2": as_qcow2(RAW)}
PATCHES = st.lists(
    st.tuples(st.integers(0, 2047) | st.integers(CLUSTER * 3, CLUSTER * 5), st.binary(max_size=9))
)


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
@given(patches=PATCHES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_told_in_a_line_or_borne(
    tmp_path: Path, kind: str, patches: list[tuple[int, bytes]]
) -> None:
    content = bytearray(SOUND[kind])
    for at, patch in patches:
        content[at : at + len(patch)] = patch
    (tmp_path / "disk").write_bytes(content)
    with contextlib.suppress(UsageError):
        medium.examine(tmp_path / "disk")


@given(patches=st.lists(st.tuples(st.integers(0x8000, 0xD000), st.binary(max_size=9)), max_size=5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_iso_is_told_in_a_line_or_borne(
    tmp_path: Path, patches: list[tuple[int, bytes]]
) -> None:
    sound = tmp_path / "sound.iso"
    if not sound.exists():
        fakes_iso.iso(sound)
    content = bytearray(sound.read_bytes())
    for at, patch in patches:
        content[at : at + len(patch)] = patch
    (tmp_path / "disk").write_bytes(content)
    with contextlib.suppress(UsageError):
        medium.examine(tmp_path / "disk")
