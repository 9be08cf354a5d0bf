"""What a guest is told of its host."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from b2p import decision, identity, tell
from b2p.settings import Settings
from b2p.store.layout import MachineFiles
from tests.fakes_story import Heard

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from b2p.store.record import Record


def test_clock_zone_and_registries_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    told = identity.around(Settings(cpus=1, registries=("quay.io",)), "podman")
    assert told["timezone"] == "Asia/Tokyo"
    assert told["registries"] == 'unqualified-search-registries = ["quay.io"]\n'


def test_docker_is_told_of_registries_in_its_own_words() -> None:
    settings = Settings(cpus=1, insecure_registries=("10.0.2.2:5000",))
    told = identity.around(settings, "docker")
    assert json.loads(told["registries"]) == {"insecure-registries": ["10.0.2.2:5000"]}


def decided(family: str) -> Record:
    settings = Settings(cpus=1, mounts=())
    made = decision.made(
        "web", settings, arch="x86_64", image="i", uuid="u", now="2026-01-01", extra=()
    )
    return replace(made, family=family)


def test_a_machine_that_does_not_hear_is_a_warning(tmp_path: Path) -> None:
    report = Heard()
    files = MachineFiles(home=tmp_path, run=tmp_path)
    tell.again(Settings(cpus=1), decided("debian"), files, report)
    assert not report.warnings
    tell.again(Settings(cpus=1), decided(""), files, report)
    assert "was not told" in report.warnings[0]
