"""The newc writer, read back by a reader of its own and by busybox where there is one."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2p.errors import B2PError
from b2p.formats import cpio
from tests.cpio_reader import Entry, read
from tests.fakes_debian import entry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def written(members: Sequence[tuple[tarfile.TarInfo, bytes | None]]) -> list[Entry]:
    out = io.BytesIO()
    writer = cpio.Writer(out)
    for info, data in members:
        info.size = len(data or b"")
    streams = ((info, None if data is None else io.BytesIO(data)) for info, data in members)
    cpio.add_tar(writer, streams, lambda name: not name.startswith("usr/share/doc"))
    writer.trailer()
    return read(out.getvalue())


def test_every_kind_of_entry_keeps_its_mode_owner_and_time() -> None:
    out = io.BytesIO()
    writer = cpio.Writer(out, first_inode=7)
    writer.directory("./etc/", 0o750, uid=1, gid=2, mtime=3)
    writer.file("etc/shadow", b"root", 0o4640, uid=0, gid=42, mtime=5)
    writer.symlink("bin", "usr/bin")
    writer.device("dev/console", stat.S_IFCHR | 0o600, 5, 1)
    writer.fifo("run/pipe", 0o622)
    writer.trailer()
    assert read(out.getvalue()) == [
        Entry("etc", 7, stat.S_IFDIR | 0o750, 1, 2, 2, 3, (0, 0), b""),
        Entry("etc/shadow", 8, stat.S_IFREG | 0o4640, 0, 42, 1, 5, (0, 0), b"root"),
        Entry("bin", 9, stat.S_IFLNK | 0o777, 0, 0, 1, 0, (0, 0), b"usr/bin"),
        Entry("dev/console", 10, stat.S_IFCHR | 0o600, 0, 0, 1, 0, (5, 1), b""),
        Entry("run/pipe", 11, stat.S_IFIFO | 0o622, 0, 0, 1, 0, (0, 0), b""),
    ]
    assert writer.next_inode == 12


def test_hard_links_share_an_inode_and_the_first_has_the_data() -> None:
    out = io.BytesIO()
    writer = cpio.Writer(out)
    writer.file("usr/bin/perl", b"program", 0o755)
    writer.hardlink("usr/bin/perl5", "./usr/bin/perl")
    writer.hardlink("usr/bin/perl5.40", "usr/bin/perl")
    writer.trailer()
    first, second, third = read(out.getvalue())
    assert (first.data, second.data, third.data) == (b"program", b"", b"")
    assert {first.inode, second.inode, third.inode} == {1}
    assert first.links == third.links == 3
    assert second.mode == first.mode


def test_a_hard_link_to_an_empty_file_is_an_empty_file() -> None:
    out = io.BytesIO()
    writer = cpio.Writer(out)
    writer.file("a", b"")
    writer.hardlink("b", "a")
    writer.trailer()
    first, second = read(out.getvalue())
    assert first.inode != second.inode
    assert first.links == second.links == 1


def test_a_hard_link_to_what_is_not_there_is_refused() -> None:
    with pytest.raises(B2PError, match="not written"):
        cpio.Writer(io.BytesIO()).hardlink("b", "a")


def test_archives_laid_end_to_end_have_one_trailer_and_their_own_inodes() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    one = cpio.Writer(first)
    one.file("a", b"1")
    cpio.Writer(second, one.next_inode).file("b", b"2")
    entries = read(first.getvalue() + second.getvalue() + cpio.trailer())
    assert [(entry.name, entry.inode) for entry in entries] == [("a", 1), ("b", 2)]


@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/etc/passwd", "a\0b"])
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(B2PError, match="outside"):
        cpio.Writer(io.BytesIO()).file(name, b"")


@pytest.mark.parametrize("name", ["", ".", "./", "x" * 5000])
def test_a_name_that_no_reader_takes_is_refused(name: str) -> None:
    with pytest.raises(B2PError, match="cannot be a name"):
        cpio.Writer(io.BytesIO()).directory(name)


def test_data_that_ends_too_early_is_an_error() -> None:
    with pytest.raises(B2PError, match="3 bytes too early"):
        cpio.Writer(io.BytesIO()).file("a", io.BytesIO(b"12"), size=5)


def test_a_file_beyond_4_gib_is_refused_before_it_is_written() -> None:
    out = io.BytesIO()
    with pytest.raises(B2PError, match="does not fit"):
        cpio.Writer(out).file("a", io.BytesIO(), size=1 << 32)
    assert out.getvalue() == b""


def test_a_tar_is_copied_by_numbers_without_what_is_not_kept() -> None:
    members = [
        (entry("./", tarfile.DIRTYPE), None),
        (entry("./usr/", tarfile.DIRTYPE, mode=0o755), None),
        (entry("./usr/share/doc/x", uid=0), b"words"),
        (entry("./usr/x", uid=1, gid=42, uname="bin", gname="shadow", mode=0o2755), b"data"),
        (entry("./usr/y", tarfile.LNKTYPE, linkname="./usr/x"), None),
        (entry("./usr/z", tarfile.SYMTYPE, linkname="/x"), None),
        (entry("./null", tarfile.CHRTYPE, devmajor=1, devminor=3), None),
        (entry("./disk", tarfile.BLKTYPE, devmajor=8, devminor=0), None),
        (entry("./pipe", tarfile.FIFOTYPE), None),
    ]
    entries = {one.name: one for one in written(members)}
    assert list(entries) == ["usr", "usr/x", "usr/y", "usr/z", "null", "disk", "pipe"]
    program = entries["usr/x"]
    assert (program.uid, program.gid) == (1, 42)
    assert program.mode == stat.S_IFREG | 0o2755
    assert program.inode == entries["usr/y"].inode
    assert entries["usr/z"].data == b"/x"
    assert entries["null"].device == (1, 3)
    assert stat.S_ISBLK(entries["disk"].mode)


def test_a_tar_entry_that_leads_out_is_refused() -> None:
    with pytest.raises(B2PError, match="outside"):
        written([(entry("./../x"), b"")])


@settings(deadline=None)  # other work on the computer may be slow
@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 1000))
def test_whatever_is_written_is_read_back(contents: list[bytes], first: int) -> None:
    out = io.BytesIO()
    writer = cpio.Writer(out, first)
    for number, content in enumerate(contents):
        writer.file("d" * (number + 1), content)
    writer.trailer()
    entries = read(out.getvalue())
    assert [entry.data for entry in entries] == contents
    assert [entry.inode for entry in entries] == list(range(first, first + len(contents)))


@pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")
def test_busybox_unpacks_it_with_its_links(tmp_path: Path) -> None:
    with (tmp_path / "archive").open("w+b") as out:
        writer = cpio.Writer(out)
        writer.directory("bin")
        writer.file("bin/one", b"#!\n", 0o755)
        writer.hardlink("bin/two", "bin/one")
        writer.symlink("three", "bin/two")
        writer.trailer()
    with (tmp_path / "archive").open("rb") as archive:
        (tmp_path / "out").mkdir()
        command = ["busybox", "cpio", "-id"]
        subprocess.run(command, stdin=archive, cwd=tmp_path / "out", check=True, timeout=10)
    assert (tmp_path / "out/three").read_bytes() == b"#!\n"
    assert (tmp_path / "out/bin/one").samefile(tmp_path / "out/bin/two")
    assert (tmp_path / "out/bin/one").stat().st_mode & 0o777 == 0o755
