"""Which directories of this computer a guest gets, and what is said of those it does not get."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from b2p import mounts
from b2p.errors import UsageError
from b2p.settings import Settings
from tests.fakes_story import Heard

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes_story import Computer


def test_home_and_the_place_for_scraps_are_the_standard(tmp_path: Path) -> None:
    assert mounts.defaults(tmp_path, {}, "linux") == (str(tmp_path), "/tmp")
    own = tmp_path / "folders/T"
    own.mkdir(parents=True)
    found = mounts.defaults(tmp_path, {"TMPDIR": f"{own}/"}, "darwin")
    assert found == (str(tmp_path), "/private/tmp", str(own.parent.resolve()))


def test_the_standard_mounts_have_a_word_and_home_a_sign(tmp_path: Path) -> None:
    wished = Settings(cpus=1, mounts=("default", "~:/me:cached"), more_mounts=("~/x", "/data"))
    found = mounts.whole(wished, tmp_path, {}, "linux")
    assert found.mounts == (str(tmp_path), "/tmp", f"{tmp_path}:/me:cached")
    assert found.more_mounts == (f"{tmp_path}/x", "/data")
    assert mounts.whole(Settings(cpus=1), tmp_path, {}, "linux").mounts == (str(tmp_path), "/tmp")
    assert mounts.whole(Settings(cpus=1, mounts=()), tmp_path, {}, "linux").mounts == ()


def test_a_home_that_would_hide_the_guest_is_left_out(tmp_path: Path) -> None:
    assert mounts.defaults(tmp_path.__class__("/"), {}, "linux") == ("/tmp",)


def test_what_is_typed_is_taken_from_where_one_stands(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert mounts.written("src:/s:ro", tmp_path, tmp_path) == f"{tmp_path}/src:/s:ro"
    assert mounts.written("~/src", tmp_path / "src", tmp_path) == f"{tmp_path}/src"
    assert mounts.written(".:/s", tmp_path, tmp_path) == f"{tmp_path}:/s"


@pytest.mark.parametrize(
    ("word", "why"),
    [("no", "no such directory"), ("file", "not a directory"), ("dead", "not a directory")],
)
def test_what_is_typed_must_be_there(tmp_path: Path, word: str, why: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dead").symlink_to("nowhere")
    with pytest.raises(UsageError, match=f"cannot mount '{word}': .*{why}"):
        mounts.written(word, tmp_path, tmp_path)


def test_an_unreadable_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(UsageError, match="you may not read it"):
        mounts.written(".", tmp_path, tmp_path)


def test_of_those_that_are_gone_the_person_is_told_and_the_others_stay(tmp_path: Path) -> None:
    report = Heard()
    found = mounts.present([str(tmp_path), f"{tmp_path}/gone"], report)
    assert [one.host for one in found] == [str(tmp_path)]
    (warning,) = report.warnings
    assert f"'{tmp_path}/gone' is not mounted: there is no such directory" in warning


def test_the_guest_is_told_where_and_how(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    found = mounts.present([f"{link}:ro", f"{link}:/mnt:cached"], Heard())
    first, second = mounts.told(found)
    # Programs of the host name it by either.
    assert (first["at"], first["read_only"]) == ([str(link), str(real)], True)
    assert "cache=none" in first["options"]
    assert (second["at"], second["read_only"]) == (["/mnt"], False)
    assert "cache=loose" in second["options"]
    assert first["tag"] != second["tag"]


def test_where_one_stands_is_found_by_the_name_one_came_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "link")
    monkeypatch.setenv("PWD", str(tmp_path / "link"))
    assert mounts.guest_directory([str(tmp_path)]) == f"{tmp_path}/link"
    assert mounts.guest_directory([f"{tmp_path}/real:/r"]) == "/r"
    assert mounts.guest_directory(["/elsewhere"]) == ""
    monkeypatch.setenv("PWD", "/elsewhere")
    assert mounts.guest_directory([str(tmp_path), "/elsewhere"]) == f"{tmp_path}/real"


def test_mounts_are_decided_once_and_more_come_to_them(computer: Computer, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    computer.up(mounts=(str(tmp_path),))
    assert computer.record().mounts == (str(tmp_path),)
    (identity,) = [one for one in computer.requests() if one.get("do") == "identity"]
    assert [one["at"] for one in identity["mounts"]] == [[str(tmp_path)]]
    computer.down(force=True)
    computer.up(more_mounts=(f"{more}:/more",))
    assert computer.record().mounts == (f"{more}:/more", str(tmp_path))
    computer.up(mounts=())
    assert "mounts none is not in force yet" in computer.report.warnings[-1]


def test_a_machine_comes_up_without_a_mount_that_fails(computer: Computer, tmp_path: Path) -> None:
    computer.up(mounts=(f"{tmp_path}/gone",), fault="no-mount")
    assert [warning.partition(";")[0] for warning in computer.report.warnings] == [
        f"'{tmp_path}/gone' is not mounted: there is no such directory",
        "not mounted: because",
    ]


def test_a_machine_whose_directories_are_in_use_is_not_suspended(computer: Computer) -> None:
    from b2p.errors import GuestError

    computer.up(fault="held")
    with pytest.raises(GuestError, match="in use: container 'web' has /src") as caught:
        computer.suspend()
    assert "b2p podman stop" in caught.value.hint
    assert computer.state() == "running"


def test_other_mounts_at_a_resume_are_told_to_the_guest(computer: Computer, tmp_path: Path) -> None:
    from tests.test_suspend import suspended

    suspended(computer, mounts=(str(tmp_path),))
    computer.up(mounts=(f"{tmp_path}:/other",))
    assert not computer.report.warnings
    *_, identity = [one for one in computer.requests() if one.get("do") == "identity"]
    assert [one["at"] for one in identity["mounts"]] == [["/other"]]


def test_a_qemu_that_cannot_is_told(computer: Computer, tmp_path: Path) -> None:
    from dataclasses import replace

    qemu = replace(computer.host.qemu, shares=False)
    computer.host = replace(computer.host, qemu=qemu)
    result = computer.up(mounts=(str(tmp_path),))
    assert "-fsdev" not in result.command
    assert "nothing is mounted" in computer.report.warnings[0]
