"""A machine that starts at login: what is written for systemd and launchd, and taken away again."""

from __future__ import annotations

import plistlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from b2p import autostart
from b2p.client import autostart as texts
from b2p.errors import UsageError

if TYPE_CHECKING:
    from tests.fakes_story import Computer

COMMAND = ["/opt/my b2p/bin/b2p"]


@pytest.fixture
def home(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user of Linux whose session has no systemd to talk to."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("b2p.autostart._reload", lambda: None)
    return Path(computer.layout.sockets.parent)


def on(computer: Computer, home: Path) -> None:
    autostart.on(
        "default", COMMAND, computer.layout, computer.report, environment={"HOME": str(home)}
    )


def is_on(computer: Computer, home: Path) -> bool:
    return autostart.is_on("default", computer.layout, environment={"HOME": str(home)})


def test_a_unit_is_enabled_and_goes_again(computer: Computer, home: Path) -> None:
    computer.up()
    on(computer, home)
    root = home / ".config/systemd/user"
    link = root / "default.target.wants/b2p-default.service"
    assert link.resolve() == root / "b2p-default.service"
    lines = link.read_text().splitlines()
    assert 'ExecStart="/opt/my b2p/bin/b2p" up default' in lines
    assert 'ExecStop="/opt/my b2p/bin/b2p" down default' in lines
    assert is_on(computer, home)
    assert autostart.off("default", computer.layout, environment={"HOME": str(home)})
    assert not is_on(computer, home)
    assert not (home / ".config").exists() or not list((home / ".config").rglob("*service"))


def test_a_machine_that_is_removed_starts_no_more(computer: Computer, home: Path) -> None:
    computer.up()
    on(computer, home)
    computer.remove(force=True)
    assert not list(home.rglob("b2p-default.service"))


def test_a_unit_of_another_machine_of_that_name_stays(computer: Computer, home: Path) -> None:
    computer.up()
    on(computer, home)
    unit = home / ".config/systemd/user/b2p-default.service"
    unit.write_text(unit.read_text().replace(str(computer.files().home), "/elsewhere"))
    computer.remove(force=True)
    assert unit.exists()


def test_there_has_to_be_a_machine(computer: Computer, home: Path) -> None:
    with pytest.raises(UsageError, match="there is no machine"):
        on(computer, home)
    assert not list(home.rglob("*.service"))


def test_words_that_systemd_would_expand_are_doubled() -> None:
    text = texts.systemd("x", ["/a b/%h/$HOME/b2p"], {"XDG_DATA_HOME": "/d%"}, "/m")
    assert 'ExecStart="/a b/%%h/$$HOME/b2p" up x' in text
    assert 'Environment="XDG_DATA_HOME=/d%%"' in text


def test_launchd_gets_an_agent_that_leaves_qemu_alone() -> None:
    text = texts.launchd("x", COMMAND, {"PATH": "/opt/homebrew/bin"}, "/m")
    found = plistlib.loads(text.encode())
    assert found["ProgramArguments"] == [*COMMAND, "up", "x"]
    assert found["AbandonProcessGroup"] is True
    assert found["RunAtLoad"] is True
    assert found["EnvironmentVariables"] == {"PATH": "/opt/homebrew/bin"}
