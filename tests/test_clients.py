"""podman, docker and ssh learn of a machine, all or none, and forget it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from b2p import clients
from b2p.store.layout import MachineFiles
from b2p.store.record import Record
from tests.fakes_story import Heard

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

BLOCK = "Host b2p-x\n"


class Desk:
    """A home with clients of the names that are given, and a machine's directory in it."""

    def __init__(self, home: Path, *programs: str) -> None:
        self.home = home
        path = home / "bin"
        path.mkdir()
        for program in programs:
            (path / program).write_text("#!/bin/sh\n")
            (path / program).chmod(0o755)
        self.environment = {"HOME": str(home), "PATH": str(path)}
        self.files = MachineFiles(home=home / "machine", run=home / "run")
        self.files.home.mkdir()
        self.report = Heard()
        self.record = Record(
            name="x", uuid="0", image="0", cpus=1, memory_mib=512, disk_bytes=1 << 30
        )

    def introduce(self, **options: Any) -> None:
        clients.introduce(
            self.record, self.files, BLOCK, self.report, environment=self.environment, **options
        )

    def forget(self) -> None:
        clients.forget("x", self.files, self.report)

    @property
    def connections(self) -> Path:
        return self.home / ".config/containers/podman-connections.json"

    def others(self) -> dict[str, str]:
        """All files but the machine's own, and podman's lock."""
        return {
            str(path.relative_to(self.home)): path.read_text()
            for path in self.home.rglob("*")
            if path.is_file() and path.suffix != ".lock" and self.files.home not in path.parents
        }


def test_who_is_not_installed_is_not_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    before = desk.others()
    desk.introduce(default=True)
    assert desk.others() == before
    assert desk.files.ssh_config.read_text() == BLOCK
    assert not desk.report.warnings


def test_all_learn_of_it_and_forget_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "podman", "docker")
    before = desk.others()
    desk.introduce()
    assert len(desk.others()) == len(before) + 2
    desk.forget()
    assert desk.others() == before
    assert not desk.report.warnings


def test_what_was_default_before_is_so_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "podman", "docker")
    desk.connections.parent.mkdir(parents=True)
    desk.connections.write_text(
        '{"Connection":{"Default":"mine","Connections":{"mine":{"URI":"unix:///m"}}},"Farm":{}}\n'
    )
    before = desk.others()
    desk.introduce(default=True)
    assert '"Default":"b2p-x"' in desk.connections.read_text()
    # The next `up` does not take itself for what was before.
    desk.introduce(default=True)
    desk.introduce()
    desk.forget()
    assert desk.others() == before


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "podman", "docker")
    desk.introduce(default=True)
    paths = [path for path in tmp_path.rglob("*.json") if path.is_file()]
    before = {path: path.stat().st_ino for path in paths}
    desk.introduce(default=True)
    assert {path: path.stat().st_ino for path in paths} == before


def test_one_that_cannot_be_told_is_a_warning_and_nobody_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "podman", "docker")
    desk.connections.parent.mkdir(parents=True)
    desk.connections.write_text("{")
    before = desk.others()
    desk.introduce()
    assert desk.others() == before
    (warning,) = desk.report.warnings
    assert str(desk.connections) in warning


def test_a_write_that_fails_takes_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, "podman", "docker")
    before = desk.others()
    # Where docker's context would lie, there is a file already.
    (tmp_path / ".docker").write_text("in the way")
    desk.introduce()
    (tmp_path / ".docker").unlink()
    assert desk.others() == before
    assert desk.report.warnings
    assert not desk.files.clients.exists()
    assert not desk.files.ssh_config.exists()


def test_another_engine_of_that_name_stays(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "podman")
    desk.connections.parent.mkdir(parents=True)
    desk.connections.write_text('{"Connection":{"Connections":{"b2p-x":{"URI":"unix:///m"}}}}')
    before = desk.others()
    desk.introduce()
    desk.forget()
    assert desk.others() == before
    assert "another engine" in desk.report.warnings[0]


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "docker")
    (tmp_path / "dotfiles.json").write_text("{}")
    (tmp_path / ".docker").mkdir()
    config = tmp_path / ".docker/config.json"
    config.symlink_to(tmp_path / "dotfiles.json")
    desk.introduce(default=True)
    assert config.is_symlink()
    assert "b2p-x" in (tmp_path / "dotfiles.json").read_text()


def test_a_client_that_went_away_is_forgotten_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "docker")
    desk.introduce()
    (tmp_path / "bin/docker").unlink()
    desk.introduce()
    desk.forget()
    assert [*desk.others()] == []
