"""Directories as a stream: the same on the other side, and written nowhere else."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from b2p import trees
from b2p.errors import GuestError
from b2p.report import SilentTask

if TYPE_CHECKING:
    from pathlib import Path


class Warned(list[str]):
    """Keeps what is warned of."""

    def __call__(self, text: str, hint: str) -> None:
        """Keep it."""
        assert hint
        self.append(text)


def packed(top: Path) -> io.BytesIO:
    """The stream of a directory."""
    stream = io.BytesIO()
    trees.pack(top, stream, SilentTask(), Warned())
    return io.BytesIO(stream.getvalue())


def made(*members: tuple[str, bytes, str]) -> io.BytesIO:
    """A stream of (name, type, link) members, as a guest might send it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, link, 0o4777
            data = b"evil" if kind == tarfile.REGTYPE else b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return io.BytesIO(stream.getvalue())


def test_a_tree_is_the_same_on_the_other_side(tmp_path: Path) -> None:
    top, copy = tmp_path / "top", tmp_path / "copy"
    (top / "ü ä/empty").mkdir(parents=True)
    (top / "script").write_text("#!/bin/sh\n")
    (top / "script").chmod(0o750)
    (top / "ü ä/text").write_text("x" * 100_000)
    os.link(top / "script", top / "same")
    (top / "relative").symlink_to("ü ä/text")
    (top / "absolute").symlink_to("/etc/passwd")
    (top / "dead").symlink_to("nowhere")
    os.utime(top / "script", (1, 1_000_000_000))
    (top / "ü ä").chmod(0o555)
    trees.unpack(packed(top), copy, Warned())
    (top / "ü ä").chmod(0o755)
    assert sorted(path.relative_to(copy) for path in copy.rglob("*")) == sorted(
        path.relative_to(top) for path in top.rglob("*")
    )
    assert (copy / "script").stat().st_mode & 0o7777 == 0o750
    assert (copy / "script").stat().st_mtime == 1_000_000_000
    assert (copy / "script").samefile(copy / "same")
    assert (copy / "ü ä/text").read_text() == "x" * 100_000
    assert str((copy / "absolute").readlink()) == "/etc/passwd"
    assert str((copy / "dead").readlink()) == "nowhere"
    assert (copy / "ü ä").stat().st_mode & 0o777 == 0o555
    (copy / "ü ä").chmod(0o755)


def test_what_is_neither_file_nor_directory_is_left_out_and_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    warned = Warned()
    trees.pack(tmp_path, io.BytesIO(), SilentTask(), warned)
    assert warned == ["'./pipe' is left out"]
    trees.unpack(made(("tty", tarfile.CHRTYPE, "")), tmp_path / "copy", warned)
    assert warned[1:] == ["'tty' is left out"]


@pytest.mark.parametrize(
    "members",
    [
        [("../out", tarfile.REGTYPE, "")],
        [("a/../../out", tarfile.REGTYPE, "")],
        [("link", tarfile.SYMTYPE, ".."), ("link/out", tarfile.REGTYPE, "")],
        [("hard", tarfile.LNKTYPE, "../secret")],
        [("link", tarfile.SYMTYPE, ".."), ("hard", tarfile.LNKTYPE, "link/secret")],
        [("link", tarfile.SYMTYPE, ".."), ("link/deep", tarfile.DIRTYPE, "")],
    ],
)
def test_a_stream_that_would_write_elsewhere_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes, str]]
) -> None:
    (tmp_path / "secret").write_text("mine")
    with pytest.raises(GuestError, match="would lie elsewhere"):
        trees.unpack(made(*members), tmp_path / "copy", Warned())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "secret"]
    assert not [path for path in (tmp_path / "copy").rglob("*") if path.name == "hard"]


def test_a_file_takes_the_place_of_a_link_and_does_not_go_through_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    members = [("a", tarfile.SYMTYPE, "../secret"), ("a", tarfile.REGTYPE, "")]
    trees.unpack(made(*members), tmp_path / "copy", Warned())
    assert (tmp_path / "secret").read_text() == "mine"
    assert (tmp_path / "copy/a").read_text() == "evil"


def test_absolute_names_lie_below_and_nobody_gets_to_run_as_us(tmp_path: Path) -> None:
    trees.unpack(made((f"{tmp_path}/evil", tarfile.REGTYPE, "")), tmp_path / "copy", Warned())
    assert not (tmp_path / "evil").exists()
    found = (tmp_path / f"copy{tmp_path}/evil").stat()
    assert found.st_mode & 0o7000 == 0
    assert found.st_uid == os.getuid()


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(GuestError, match="no archive"):
        trees.unpack(io.BytesIO(b"x" * 4096), tmp_path / "copy", Warned())
