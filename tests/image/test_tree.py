"""Packages as parts of one archive."""

from __future__ import annotations

import lzma
import stat
import tarfile
from typing import TYPE_CHECKING

from b2p.formats import cpio
from b2p.image import tree
from tests.cpio_reader import read
from tests.fakes_debian import entry
from tests.fakes_host import package_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cpio_reader import Entry

MODULES = "usr/lib/modules/6.12/kernel"


def entries(part: Path) -> dict[str, Entry]:
    """What a part holds, by name; parts have no end mark of their own."""
    return {one.name: one for one in read(part.read_bytes() + cpio.trailer())}


def test_a_package_comes_without_what_is_not_wanted(tmp_path: Path) -> None:
    package = tmp_path / "a.deb"
    content = package_file(
        (entry("./usr/", tarfile.DIRTYPE), b""),
        (entry("./usr/bin/sudo", mode=0o4755, uid=0, mtime=77), b"sudo"),
        (entry("./usr/share/doc/sudo/README"), b"words"),
        (entry("./usr/bin/sudoedit", tarfile.SYMTYPE, linkname="sudo"), b""),
    )
    package.write_bytes(content)
    tree.write_package(package, tmp_path / "part", number=3, taker=None)
    found = entries(tmp_path / "part")
    assert found.keys() == {"usr", "usr/bin/sudo", "usr/bin/sudoedit"}
    assert found["usr/bin/sudo"].mode == stat.S_IFREG | 0o4755
    assert {one.mtime for one in found.values()} == {0}


def test_files_of_two_packages_never_share_an_inode(tmp_path: Path) -> None:
    inodes: list[int] = []
    for number in (1, 2):
        (tmp_path / "a.deb").write_bytes(package_file((entry("a"), b"x"), (entry("b"), b"y")))
        tree.write_package(tmp_path / "a.deb", tmp_path / "part", number=number, taker=None)
        inodes += [one.inode for one in entries(tmp_path / "part").values()]
    assert len(set(inodes)) == 4


def test_kernel_and_modules_are_taken_as_they_pass_by_unpacked(tmp_path: Path) -> None:
    (tmp_path / "kernel.deb").write_bytes(
        package_file(
            (entry("./boot/vmlinuz-6.12"), b"KERNEL"),
            (entry("./boot/System.map-6.12"), b"map"),
            (entry(f"./{MODULES}/drivers/block/virtio_blk.ko.xz"), lzma.compress(b"BLOCK")),
            (entry(f"./{MODULES}/sound/soundcore.ko.xz"), lzma.compress(b"SOUND")),
        )
    )
    taker = tree.KernelParts()
    tree.write_package(tmp_path / "kernel.deb", tmp_path / "part", number=1, taker=taker)
    assert taker.kernel == b"KERNEL"
    assert taker.modules == {"virtio_blk": b"BLOCK"}
    found = entries(tmp_path / "part")
    assert found[f"{MODULES}/drivers/block/virtio_blk.ko"].data == b"BLOCK"
    assert not [name for name in found if name.endswith(".xz") or "System.map" in name]


def test_own_files_bring_the_directories_above_them_once(tmp_path: Path) -> None:
    files = [("etc/a/x", b"1", 0o644), ("etc/a/y", b"2", 0o755), ("z", b"3", 0o600)]
    tree.write_files(files, tmp_path / "part", number=1)
    found = read((tmp_path / "part").read_bytes() + cpio.trailer())
    assert [one.name for one in found] == ["etc", "etc/a", "etc/a/x", "etc/a/y", "z"]
    assert [stat.S_IMODE(one.mode) for one in found] == [0o755, 0o755, 0o644, 0o755, 0o600]


def test_one_file_of_a_package_is_found_or_empty(tmp_path: Path) -> None:
    (tmp_path / "a.deb").write_bytes(package_file((entry("./usr/bin/busybox"), b"BUSY")))
    assert tree.file_of(tmp_path / "a.deb", "usr/bin/busybox") == b"BUSY"
    assert tree.file_of(tmp_path / "a.deb", "usr/bin/other") == b""
