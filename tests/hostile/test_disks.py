"""Images from elsewhere: ISOs, disks, their partitions and file systems, their boot menus."""

from __future__ import annotations

import io
import struct
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.formats import bootmenu, ext, fat, iso9660, kernel, partitions, qcow2
from b2p.image import medium
from tests import fakes_iso
from tests.formats import test_fat
from tests.hostile_input import harmless, reader, spoiled


@cache
def iso() -> bytes:
    """A small ISO that boots."""
    with tempfile.TemporaryDirectory() as folder:
        return fakes_iso.iso(Path(folder) / "a.iso").read_bytes()


def gpt() -> bytes:
    """A disk with a GPT of two partitions."""
    disk = bytearray(1 << 16)
    disk[510:512] = b"\x55\xaa"
    disk[512:520] = b"EFI PART"
    struct.pack_into("<QII", disk, 512 + 72, 2, 4, 128)
    for number in range(2):
        at = 1024 + number * 128
        disk[at : at + 16] = bytes(range(16))
        struct.pack_into("<QQ", disk, at + 32, 64 + number, 100 + number)
    return bytes(disk)


def ext_start() -> bytes:
    """The beginning of an ext4 with a root directory of one extent."""
    disk = bytearray(1 << 15)
    struct.pack_into("<I", disk, 1024 + 20, 1)
    struct.pack_into("<I", disk, 1024 + 40, 16)
    struct.pack_into("<H", disk, 1024 + 56, 0xEF53)
    struct.pack_into("<I", disk, 1024 + 76, 1)
    struct.pack_into("<H", disk, 1024 + 88, 128)
    struct.pack_into("<I", disk, 2048 + 8, 4)
    at = 4 * 1024 + 128
    struct.pack_into("<H2xI24xI", disk, at, 0x4000, 1024, 0x80000)
    struct.pack_into("<4H", disk, at + 40, 0xF30A, 1, 4, 0)
    struct.pack_into("<IHHI", disk, at + 52, 0, 1, 0, 8)
    struct.pack_into("<IHBB", disk, 8192, 2, 12, 1, 2)
    disk[8200:8201] = b"."
    return bytes(disk)


def test_the_samples_are_sound() -> None:
    assert len(partitions.table(reader(gpt())).partitions) == 2
    assert ext.read_file(reader(ext_start()), 0, "./.") is None
    assert iso9660.is_iso(io.BytesIO(iso()))


@given(st.data())
def test_a_spoiled_iso(data: st.DataObject) -> None:
    content = bytearray(iso())
    for at in data.draw(
        st.lists(st.integers(16 * 2048, min(len(content), 1 << 17) - 16), max_size=6)
    ):
        noise = data.draw(st.binary(min_size=1, max_size=12))
        content[at : at + len(noise)] = noise
    with tempfile.TemporaryDirectory(prefix="b2p-") as folder, harmless():
        path = Path(folder) / "a.iso"
        path.write_bytes(content)
        medium.examine(path)


@given(
    spoiled(gpt())
    | st.binary(max_size=4096).map(lambda x: x.ljust(510, b"\0")[:510] + b"\x55\xaa" + x)
)
def test_a_spoiled_partition_table(disk: bytes) -> None:
    with harmless():
        partitions.table(reader(disk))
        partitions.label(reader(disk))


@given(spoiled(ext_start()))
def test_a_spoiled_ext(disk: bytes) -> None:
    with harmless():
        ext.read_file(reader(disk), 0, "etc/os-release")


@pytest.mark.parametrize("bits", [12, 16, 32])
@given(st.data())
def test_a_spoiled_fat(bits: int, data: st.DataObject) -> None:
    disk = data.draw(spoiled(test_fat.volume(bits)[test_fat.START :]))
    with harmless():
        fat.files(reader(disk), 0)


OVERLAY = qcow2.overlay(size=1 << 30, backing="/b", backing_format="raw")


@given(spoiled(OVERLAY[:512]), st.integers(0, 1 << 64), st.integers(0, 1 << 20))
def test_a_spoiled_qcow2(head: bytes, at: int, length: int) -> None:
    file = io.BytesIO(head + OVERLAY[512 : 1 << 17])
    with harmless():
        found = qcow2.header(file, where="disk")
        qcow2.read(file, found, at, length)
        qcow2.check_foreign(found, where="disk")


@given(st.binary(max_size=4096), st.sampled_from([iso, gpt, ext_start, lambda: OVERLAY]))
def test_whatever_lies_in_a_file_it_is_an_image_or_an_error(noise: bytes, sample: object) -> None:
    content = bytearray(sample())  # type: ignore[operator]
    content[: len(noise)] = noise
    with tempfile.TemporaryDirectory(prefix="b2p-") as folder, harmless():
        path = Path(folder) / "image"
        path.write_bytes(content)
        medium.examine(path)


WORDS = (
    "default",
    "label",
    "kernel",
    "append",
    "initrd=",
    "include",
    "menu",
    "linux",
    "menuentry",
    "'",
    '"',
    "{",
    "\\",
    "../../etc/passwd",
    "$x",
    "#",
)


@given(st.lists(st.sampled_from([*WORDS, " ", "\n"]) | st.text(max_size=5)).map("".join))
def test_a_boot_menu_of_any_words(text: str) -> None:
    with harmless():
        for path in ("/isolinux/isolinux.cfg", "/boot/grub/grub.cfg"):
            bootmenu.included(text, path=path)
            choice = bootmenu.default(text, path=path)
            if choice is not None:
                assert all(one.startswith("/") for one in (choice.kernel, *choice.initrds))
                assert ".." not in choice.kernel.split("/")


@given(st.binary(max_size=kernel.HEAD_BYTES) | st.binary(max_size=600).map(lambda x: b"MZ" + x))
def test_a_kernel_of_any_bytes(head: bytes) -> None:
    with harmless():
        kernel.architecture(head)
