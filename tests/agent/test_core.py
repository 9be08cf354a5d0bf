"""core gets the number of the host's person, and keeps what is core's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
sshd:x:997:65534::/run/sshd:/usr/sbin/nologin
core:x:{core}:1000::/home/core:/bin/bash
"""


@pytest.fixture
def home(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """core's, with files that belong to whoever runs this test: that is core's number at first."""
    (tmp_path / "passwd").write_text(PASSWD.format(core=os.getuid() or 1000))
    home = tmp_path / "core"
    (home / "deep/er").mkdir(parents=True)
    for name in (".profile", "deep/file", "deep/er/file"):
        (home / name).write_text("x")
    (home / "link").symlink_to("/etc")
    if os.getuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, 1000, -1, follow_symlinks=False)
    monkeypatch.setattr(agent.core, "PASSWD", str(tmp_path / "passwd"))
    monkeypatch.setattr(agent.core, "HOME", str(home))
    return home


@pytest.fixture
def given(agent: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Which file was given to whom, by its name."""
    found: dict[str, int] = {}

    def chown(path: str, user: int, group: int, **_: Any) -> None:
        assert group == -1
        found[path.rpartition("/")[2]] = user

    monkeypatch.setattr(agent.core.os, "chown", chown)
    return found


def number(tmp_path: Path) -> int:
    return int((tmp_path / "passwd").read_text().splitlines()[2].split(":")[2])


def test_core_and_all_that_is_cores_get_it(
    agent: Any, home: Path, given: dict[str, int], tmp_path: Path
) -> None:
    before = (tmp_path / "passwd").read_text()
    agent.core.be(54321)
    assert number(tmp_path) == 54321
    assert given == dict.fromkeys((".profile", "deep", "file", "er", "link", "core"), 54321)
    assert list(given)[-1] == "core"
    old = os.getuid() or 1000
    assert (tmp_path / "passwd").read_text() == before.replace(f"core:x:{old}", "core:x:54321")


def test_a_disk_of_another_persons_is_taken_over(
    agent: Any, home: Path, given: dict[str, int], tmp_path: Path
) -> None:
    (tmp_path / "passwd").write_text(PASSWD.format(core=54321))
    agent.core.be(54321)
    assert set(given.values()) == {54321}


@pytest.mark.parametrize("taken", [0, 997, 100_000, 1_099_999])
def test_a_number_that_is_somebody_elses_is_not_taken(
    agent: Any, home: Path, given: dict[str, int], tmp_path: Path, taken: int
) -> None:
    before = (tmp_path / "passwd").read_text()
    agent.core.be(taken)
    assert (tmp_path / "passwd").read_text() == before
    assert not given


def test_where_it_is_so_already_nothing_is_done(
    agent: Any, home: Path, given: dict[str, int], tmp_path: Path
) -> None:
    agent.core.be(number(tmp_path))
    assert not given


@pytest.mark.parametrize("request_", [{}, {"core": 0}, {"core": "nonsense"}])
def test_without_a_number_core_stays_as_made(
    agent: Any, home: Path, given: dict[str, int], request_: dict[str, Any]
) -> None:
    agent.main.number_core(request_)
    assert not given
