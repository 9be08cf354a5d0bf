"""The accelerator's payloads: the built files are what QEMU loads and what the sources make."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
PROBE = TREE / "firmware" / "probe"


def test_the_one_of_x86_64_is_a_multiboot_image() -> None:
    magic, flags, checksum, header, load, load_end, bss_end, start = struct.unpack(
        "<8I", (PROBE / "x86_64.bin").read_bytes()[:32]
    )
    assert magic == 0x1BADB002
    assert (magic + flags + checksum) % 2**32 == 0
    assert (header, load, load_end, bss_end) == (0x100000, 0x100000, 0, 0)
    assert 0x100020 <= start < 0x100000 + (PROBE / "x86_64.bin").stat().st_size


def test_the_one_of_x86_64_ends_before_its_page_tables_begin() -> None:
    assert (PROBE / "x86_64.bin").stat().st_size < 0x10000


def test_the_one_of_aarch64_is_an_image_as_arm64_boots_it() -> None:
    content = (PROBE / "aarch64.bin").read_bytes()
    offset, size = struct.unpack("<2Q", content[8:24])
    assert content[56:60] == b"ARM\x64"
    assert (offset, size) == (0, len(content))


@pytest.mark.skipif(not (shutil.which("as") and shutil.which("ld")), reason="no binutils here")
def test_the_built_ones_are_made_of_their_sources() -> None:
    ended = subprocess.run([TREE / "scripts" / "build-probe"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ok" in ended.stdout
