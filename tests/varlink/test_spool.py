from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.varlink.asking import descriptors, given_back


@pytest.fixture
def spool(gateway: Any, tmp_path: Path) -> Any:
    made = gateway("spool").Spool(str(tmp_path / "spool"))
    made.prepare()
    return made


@pytest.fixture
def refused(gateway: Any) -> Any:
    return gateway("errors").VarlinkError


def root(spool: Any) -> Path:
    return Path(spool.directory)


@pytest.mark.parametrize("path", ["/tmp/a.tar", "tmp/a.tar", "./tmp//a.tar"])
def test_a_path_is_one_of_the_spool(spool: Any, path: str) -> None:
    with spool.draft(path) as draft:
        draft.file.write(b"whole")
    assert draft.path == f"{spool.directory}/tmp/a.tar"
    assert (root(spool) / "tmp/a.tar").read_bytes() == b"whole"
    for known in (path, draft.path):
        with spool.open(known) as file:
            assert file.read() == b"whole"


@pytest.mark.parametrize("path", ["/", "..", "../x", "a/../../x", "a\0b", "./."])
def test_no_path_leads_out_of_the_spool(spool: Any, refused: Any, path: str) -> None:
    for use in (spool.open, spool.draft, spool.remove):
        with pytest.raises(refused, match="no path inside"):
            use(path)


@pytest.mark.parametrize("path", ["out/passwd", "file", "file/below"])
def test_no_link_is_followed(spool: Any, refused: Any, path: str) -> None:
    (root(spool) / "out").symlink_to("/etc")
    (root(spool) / "file").symlink_to("/etc/passwd")
    with pytest.raises(refused, match="leads out"):
        spool.open(path)


def test_nothing_is_written_through_a_link(spool: Any, refused: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (root(spool) / "out").symlink_to(outside)
    (root(spool) / "file").symlink_to(outside / "kept")
    with pytest.raises(refused):
        spool.draft("out/new")
    with spool.draft("file") as draft:  # takes the link's place
        draft.file.write(b"new")
    assert (outside / "kept").read_text() == "kept"
    assert not (root(spool) / "file").is_symlink()


def test_a_folder_that_becomes_a_link_leads_nowhere(spool: Any, tmp_path: Path) -> None:
    draft = spool.draft("folder/file")
    (root(spool) / "folder").rename(root(spool) / "moved")
    (root(spool) / "folder").symlink_to(tmp_path)
    with draft:
        draft.file.write(b"x")
    assert not (tmp_path / "file").exists()
    assert (root(spool) / "moved/file").read_bytes() == b"x"


def test_what_is_no_file_is_not_opened(spool: Any, refused: Any) -> None:
    os.mkfifo(root(spool) / "fifo")
    (root(spool) / "folder").mkdir()
    for path in ("fifo", "folder"):
        with pytest.raises((refused, OSError)):
            spool.open(path)
    with pytest.raises(refused, match="no file 'absent' in the spool"):
        spool.open("absent")


def test_a_file_has_its_name_once_it_is_whole(spool: Any) -> None:
    with spool.draft("a") as draft:
        draft.file.write(b"x")
        assert not (root(spool) / "a").exists()
    assert (root(spool) / "a").exists()


def test_half_a_file_is_none(spool: Any) -> None:
    (root(spool) / "a").write_text("before")
    with pytest.raises(TypeError), spool.draft("a") as draft:
        draft.file.writelines([b"half", None])
    assert [one.name for one in root(spool).iterdir()] == ["a"]
    assert (root(spool) / "a").read_text() == "before"


def test_room_that_is_not_there_is_missed_before_the_first_byte(spool: Any) -> None:
    with pytest.raises(OSError, match=r"space|large"), spool.draft() as draft:
        draft.reserve(1 << 62)
    assert not list(root(spool).iterdir())


def test_descriptors_are_given_back(spool: Any, refused: Any) -> None:
    before = descriptors()
    with spool.draft("a/b/c") as draft:
        draft.reserve(0)
    spool.open("a/b/c").close()
    spool.remove("a/b/c")
    for wrong in ("a/b/c", "a/x/c", "a/b"):
        with pytest.raises((refused, OSError)):
            spool.open(wrong)
    with spool.folder("a/b"):
        pass
    assert given_back(before)


def test_names_of_our_own_differ(spool: Any) -> None:
    with spool.draft(suffix=".tar") as one, spool.draft(suffix=".tar") as other:
        pass
    assert one.path != other.path
    assert one.path.endswith(".tar")


def test_what_nobody_fetched_is_swept(spool: Any) -> None:
    old, new = root(spool) / "old/file", root(spool) / "new/file"
    for path in (old, new):
        path.parent.mkdir()
        path.write_text("x")
    os.utime(old, (0, 0))
    spool.prepare()
    assert not old.parent.exists()
    assert new.exists()
