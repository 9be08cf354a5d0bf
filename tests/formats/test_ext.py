"""Files read out of file systems that mke2fs made."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.formats import ext

MKE2FS = shutil.which("mke2fs", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
RELEASE = b'ID=debian\nNAME="Debian GNU/Linux"\n'
START = 1 << 20


def reader(disk: bytes) -> ext.Read:
    return lambda at, length: disk[at : at + length].ljust(length, b"\0")


@pytest.fixture(scope="module", params=["ext4", "ext2", "ext4 -O ^64bit -b 1024", "ext4 -I 128"])
def disk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if not MKE2FS:
        pytest.skip("no mke2fs here")
    home = tmp_path_factory.mktemp("ext")
    tree = home / "tree"
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "usr/lib/os-release").write_bytes(RELEASE)
    (tree / "etc/os-release").symlink_to("../usr/lib/os-release")
    (tree / "large").write_bytes(bytes(range(256)) * 400)
    (tree / "huge").write_bytes(b"x" * (2 << 20))
    for number in range(300):
        (tree / "usr/lib" / f"library-with-a-long-name-{number}.so").touch()
    path = home / "disk"
    path.write_bytes(bytes(24 << 20))
    kind, *more = request.param.split()
    words = [MKE2FS, "-q", "-F", "-t", kind, *more, "-E", f"offset={START}", "-d", str(tree)]
    subprocess.run([*words, str(path), "20M"], check=True, capture_output=True)
    return path.read_bytes()


def test_a_file_is_read_by_its_path(disk: bytes) -> None:
    assert ext.read_file(reader(disk), START, "usr/lib/os-release") == RELEASE
    assert ext.read_file(reader(disk), START, "/large") == bytes(range(256)) * 400


@pytest.mark.parametrize("path", ["no/such", "usr/lib", "usr/lib/os-release/x", "huge", ""])
def test_what_is_no_small_file_is_none(disk: bytes, path: str) -> None:
    assert ext.read_file(reader(disk), START, path) is None


def test_links_are_not_followed(disk: bytes) -> None:
    assert ext.read_file(reader(disk), START, "etc/os-release") is None


@given(st.binary(min_size=16, max_size=64), st.integers(0, 6000))
def test_damage_reads_as_nothing(disk: bytes, noise: bytes, at: int) -> None:
    spoiled = bytearray(disk[: START + (1 << 20)])
    spoiled[START + 1000 + at : START + 1000 + at + len(noise)] = noise
    found = ext.read_file(reader(bytes(spoiled)), START, "usr/lib/os-release")
    assert found is None or isinstance(found, bytes)


@pytest.mark.parametrize("start", [0, 512, 1 << 40])
def test_another_file_system_has_no_files(start: int) -> None:
    assert ext.read_file(reader(b"\xff" * 65536), start, "etc/os-release") is None
