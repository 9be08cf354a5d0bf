"""A machine whose guest's architecture is, or might be, another than the computer's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p.errors import UsageError
from b2p.host.computer import arch as machine_arch
from b2p.store import record as records
from tests.fakes_story import HOST

if TYPE_CHECKING:
    from tests.fakes_story import Computer


def test_a_machine_of_another_architecture_is_noted_not_warned_of(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b2p.host.computer.arch", lambda: "aarch64")
    computer.up(arch="x86_64")
    assert computer.record().arch == HOST.arch == "x86_64"
    assert "an x86_64 one: this computer, aarch64, emulates it" in computer.report.notes[0]
    assert not computer.report.warnings
    # It stays what it is, whoever asks without a word, or for another.
    with pytest.raises(UsageError, match="cannot become aarch64"):
        computer.up(arch="aarch64")
    computer.down(force=True)
    assert computer.up().record.arch == "x86_64"


def test_a_machine_of_an_older_b2p_is_of_the_computers_architecture(computer: Computer) -> None:
    computer.up()
    computer.down(force=True)
    path = computer.files().record
    records.write(path, replace(computer.record(), arch=""))
    with pytest.raises(UsageError, match="cannot become"):
        computer.up(arch="aarch64" if machine_arch() == "x86_64" else "x86_64")
    assert computer.up().record.arch == machine_arch()
