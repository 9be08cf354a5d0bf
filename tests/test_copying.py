"""`b2p cp` as a story; this computer's own shell plays the guest's."""

from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import copying, inside, status
from b2p.client import ssh
from b2p.copying import Place, place
from b2p.errors import B2PError, GuestError, UsageError
from tests.fakes_story import Heard

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.store.layout import Layout

    Copy = Any


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("notes", Place("notes")),
        ("./a:b", Place("./a:b")),
        ("/a:b", Place("/a:b")),
        (":/tmp", Place("/tmp", "default")),
        (":", Place(".", "default")),
        ("web:~", Place(".", "web")),
        ("web:~/src", Place("src", "web")),
        ("web:a:b", Place("a:b", "web")),
        ("-", Place("-")),
    ],
)
def test_what_is_typed_is_a_place(word: str, meant: Place) -> None:
    assert place(word, "default") == meant
    assert meant.is_stream is (word == "-")


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """Copies between two directories, `here` and (as the guest's home) `there`."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(status, "running", lambda *_: SimpleNamespace(record=None))
    target = ssh.Target(name="m", port=1, key=tmp_path, known_hosts=tmp_path)
    monkeypatch.setattr(inside, "target", lambda *_: target)
    monkeypatch.setattr(ssh, "tool", lambda name: name)
    monkeypatch.setattr(
        ssh, "argv", lambda _goal, line, **_: ["sh", "-c", f"cd '{there}' && {line}"]
    )
    layout: Layout = SimpleNamespace()  # type: ignore[assignment]

    def do(source: str, goal: str) -> Heard:
        report = Heard()
        copying.copy(place(source, "m"), place(goal, "m"), layout, report, root=False)
        return report

    return SimpleNamespace(here=here, there=there, do=do)


def test_a_file_goes_there_and_comes_back_with_mode_and_time(copy: Copy) -> None:
    (copy.here / "run me").write_bytes(bytes(range(256)) * 4096)
    (copy.here / "run me").chmod(0o750)
    os.utime(copy.here / "run me", (1_000_000_000, 1_000_000_000))
    copy.do("run me", ":")
    copy.do(":run me", "back")
    for one in (copy.there / "run me", copy.here / "back"):
        assert one.read_bytes() == bytes(range(256)) * 4096
        assert one.stat().st_mode & 0o777 == 0o750
        assert one.stat().st_mtime == 1_000_000_000


def test_a_tree_goes_there_and_comes_back(copy: Copy) -> None:
    (copy.here / "src/deep ü").mkdir(parents=True)
    (copy.here / "src/deep ü/x").write_text("x")
    (copy.here / "src/link").symlink_to("deep ü/x")
    copy.do("src", ":new")
    assert (copy.there / "new/link").read_text() == "x"
    copy.do("src", ":new")
    assert (copy.there / "new/src/deep ü/x").read_text() == "x"
    copy.do(":new", "back")
    assert (copy.here / "back/src/link").is_symlink()
    copy.do(":new/", "back")
    assert (copy.here / "back/new/link").read_text() == "x"


def test_what_comes_in_and_goes_out(
    copy: Copy, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\0stream\xff")))
    copy.do("-", ":made")
    assert (copy.there / "made").read_bytes() == b"\0stream\xff"
    copy.do(":made", "-")
    assert capfdbinary.readouterr().out == b"\0stream\xff"


@pytest.mark.parametrize(
    ("source", "goal", "said"),
    [
        ("no", ":", "there is no 'no' here"),
        (":no", "x", "there is no no"),
        ("file", ":no/x", "no/x"),
        ("file", ":no/", "there is no directory no/"),
        ("dir", ":taken", "taken is not a directory"),
        ("file", ":place", "place/file is a directory"),
        (":place", "no/x", "there is no directory 'no'"),
        (":taken", "no/", "there is no directory 'no'"),
        (":place", "-", "'place' is a directory"),
        ("file", "dir", "one of the two must be in a machine"),
        (":taken", ":other", "one of the two must be in a machine"),
        ("pipe", ":", "neither a file nor a directory"),
        (":pipe", "x", "neither a file nor a directory"),
        (":taken", "dir", "'dir/taken' is a directory"),
    ],
)
def test_what_cannot_be_copied_is_told_in_one_line_with_a_way_out(
    copy: Copy, source: str, goal: str, said: str
) -> None:
    (copy.here / "file").write_text("f")
    (copy.here / "dir/taken").mkdir(parents=True)
    (copy.there / "taken").write_text("t")
    (copy.there / "place/file").mkdir(parents=True)
    os.mkfifo(copy.here / "pipe")
    os.mkfifo(copy.there / "pipe")
    with pytest.raises(B2PError) as caught:
        copy.do(source, goal)
    assert said in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert sorted(path.name for path in copy.here.iterdir()) == ["dir", "file", "pipe"]


def test_half_a_file_is_none(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy.here / "x").write_text("before")
    monkeypatch.setattr(copying, "GET", "echo file 9 644 0; echo half; echo gone >&2; exit 1")
    with pytest.raises(GuestError, match="gone"):
        copy.do(":x", "x")
    assert (copy.here / "x").read_text() == "before"
    assert [path.name for path in copy.here.iterdir()] == ["x"]


def test_a_guest_that_takes_no_more_is_told(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PUT", "head -c 10 >/dev/null; echo no space left >&2; exit 1")
    (copy.here / "big").write_bytes(b"x" * 5_000_000)
    with pytest.raises(GuestError, match="no space left"):
        copy.do("big", ":")


def test_an_unreadable_file_is_told(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy.here / "mine").write_text("x")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="'mine' cannot be read"):
        copy.do("mine", ":")
