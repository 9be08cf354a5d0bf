"""What a machine is equipped with: read at once, brought once, and what a failure says."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from b2p import equip, project, settings
from b2p.errors import GuestError, UsageError
from b2p.host import process
from b2p.host.process import Completed
from b2p.provision import bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fakes_story import Computer


class Guest:
    """Answers ssh: `failing` is what a command must hold to fail."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.unpacked: list[str] = []
        self.failing = "nothing does"
        self.is_marked = False
        self._run = process.run

    def run(self, command: Sequence[str], **options: Any) -> Completed:
        if "root@127.0.0.1" not in command:
            return self._run(command, **options)
        line = command[-1]
        self.lines.append(line)
        if data := options.get("input"):
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                self.unpacked += tar.getnames()
        if "test -e" in line:
            return Completed(int(not self.is_marked), b"", b"")
        if self.failing in line:
            return Completed(3, b"".join(b"line %d\n" % n for n in range(50)), b"")
        self.is_marked |= "touch" in line
        return Completed(0, b"", b"")

    def scripts(self) -> list[str]:
        return [line.split("/run/b2p/provision/")[1][:7] for line in self.lines if "B2P_" in line]


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> Guest:
    """In place of a real one."""
    one = Guest()
    monkeypatch.setattr(process, "run", one.run)
    return one


@pytest.fixture
def wishes(tmp_path: Path) -> dict[str, Any]:
    """Settings that ask for one of each."""
    contents = {
        "first.sh": "#!/bin/sh\n",
        "each.sh": "#!/bin/sh\n",
        "conf": "x",
        "my.service": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
        "idle.service": "[Service]\nExecStart=/bin/true\n",
        "web.container": "[Container]\nImage=x\n[Install]\nWantedBy=default.target\n",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    at = str(tmp_path)
    return {
        "provision": (f"{at}/first.sh",),
        "each_start": (f"{at}/each.sh",),
        "files": (f"{at}/conf:/etc/conf",),
        "units": (f"{at}/my.service", f"{at}/idle.service"),
        "quadlets": (f"{at}/web.container",),
    }


def test_all_is_brought_and_done_once(
    computer: Computer, guest: Guest, wishes: dict[str, Any]
) -> None:
    record = computer.up(**wishes).record
    assert set(guest.unpacked) == {
        *("etc/conf", "etc/systemd/system/my.service", "etc/systemd/system/idle.service"),
        *("etc/containers/systemd/web.container",),
        *("run/b2p/provision/01-first.sh", "run/b2p/provision/02-each.sh"),
    }
    assert guest.scripts() == ["01-firs", "02-each"]
    assert any("systemctl start my.service web.service" in line for line in guest.lines)
    assert record.provisioned
    assert computer.record() == record
    guest.lines.clear()
    assert computer.up(**wishes).record == record
    assert len(guest.lines) == 1


def test_the_next_start_does_not_repeat_the_first(
    computer: Computer, guest: Guest, wishes: dict[str, Any]
) -> None:
    computer.up(**wishes)
    computer.down()
    guest.is_marked = False
    guest.lines.clear()
    computer.up(**wishes)
    assert guest.scripts() == ["02-each"]


def test_a_resumed_machine_has_it_all(
    computer: Computer, guest: Guest, wishes: dict[str, Any]
) -> None:
    computer.up(**wishes)
    computer.suspend()
    guest.lines.clear()
    computer.up(**wishes)
    assert guest.scripts() == []


def test_a_script_that_fails_leaves_the_machine_and_runs_again(
    computer: Computer, guest: Guest, wishes: dict[str, Any]
) -> None:
    guest.failing = "first.sh"
    with pytest.raises(GuestError) as caught:
        computer.up(**wishes)
    assert caught.value.message == "provisioning: 'first.sh' ended with status 3"
    assert "b2p ssh default" in caught.value.hint
    assert caught.value.details.splitlines() == [f"line {number}" for number in range(30, 50)]
    assert computer.state() == "running"
    assert not computer.record().provisioned
    guest.failing = "nothing does"
    guest.lines.clear()
    assert computer.up(**wishes).record.provisioned
    assert guest.scripts() == ["01-firs", "02-each"]


def test_nobody_is_asked_where_nothing_is_wished(computer: Computer, guest: Guest) -> None:
    computer.up()
    assert guest.lines == []


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("provision", "/nowhere/x.sh", "'/nowhere/x.sh' cannot be read: no such file"),
        ("files", "/nowhere/x:/etc/x", "'/nowhere/x' cannot be read"),
        ("units", "{}/first.sh", "is no unit of systemd"),
        ("quadlets", "{}/my.service", "is no quadlet"),
    ],
)
def test_what_is_missing_is_told_before_anything_starts(
    computer: Computer,
    guest: Guest,
    wishes: dict[str, Any],
    tmp_path: Path,
    key: str,
    value: str,
    told: str,
) -> None:
    asked: dict[str, Any] = {key: (value.format(tmp_path),)}
    with pytest.raises(UsageError) as caught:
        computer.up(**asked)
    assert told in caught.value.message
    assert computer.left() == []


def test_a_directory_is_brought_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "d/deep").mkdir(parents=True)
    (tmp_path / "d/deep/run").write_text("x")
    (tmp_path / "d/deep/run").chmod(0o755)
    wishes = replace(settings.merged([], cores=1), files=(f"{tmp_path}/d:/opt/d",))
    assert equip.packed(wishes).entries == (bundle.Entry("/opt/d/deep/run", b"x", 0o755),)


def test_paths_begin_where_the_file_lies_that_says_them(tmp_path: Path) -> None:
    file, home = tmp_path / "p/b2p.toml", tmp_path / "h"
    raw: dict[str, object] = {
        "provision": ["a.sh", "~/b.sh", "/c.sh"],
        "files": ["x:/etc/x"],
        "cpus": 1,
    }
    assert project.anchored(raw, file, home) == {
        "provision": [f"{tmp_path}/p/a.sh", f"{home}/b.sh", "/c.sh"],
        "files": [f"{tmp_path}/p/x:/etc/x"],
        "cpus": 1,
    }


@pytest.mark.parametrize("one", ["../a.sh", "/etc/passwd", "~/.ssh/id_ed25519", "link.sh"])
def test_a_project_brings_its_own_files_alone(tmp_path: Path, one: str) -> None:
    (tmp_path / "link.sh").symlink_to("/etc/passwd")
    file = tmp_path / "b2p.toml"
    with pytest.raises(UsageError, match="outside of the project"):
        project.anchored({"provision": [one]}, file, Path("/home/u"), confined=True)
    assert project.anchored({"provision": ["a.sh"]}, file, Path("/h"), confined=True)


@pytest.mark.parametrize("one", ["x", "x:etc", "x:/a/../b"])
def test_a_file_has_a_place_in_the_machine(one: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.merged([settings.Layer("p", {"files": [one]})], cores=1)
    assert "HOST:GUEST" in caught.value.hint
