"""--arch at the command line, and where it is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from b2p.cli.main import run
from b2p.host import computer
from b2p.image.build import recipe_digest
from tests.fakes_machine import stopped_machine
from tests.image.test_cache import image

if TYPE_CHECKING:
    from b2p.store.layout import Layout


@pytest.fixture(autouse=True)
def on_a_pc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computer, "arch", lambda: "x86_64")


def test_machines_are_told_apart_where_one_is_of_another_architecture(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_machine(layout, "web")
    assert run(["ls"]) == 0
    assert "ARCH" not in capsys.readouterr().out
    stopped_machine(layout, "arm", arch="aarch64")
    assert run(["ls"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[-1]) for row in rows] == [
        ("NAME", "ARCH"),
        ("arm", "aarch64"),
        ("web", "x86_64"),
    ]
    assert run(["status", "arm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["arch"] == "aarch64"


def test_images_are_told_apart_and_each_is_current_for_its_own(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    image(layout.images, "aaa", recipe=recipe_digest(), built=2, arch="aarch64")
    image(layout.images, "bbb", recipe=recipe_digest(), built=1)
    assert run(["image", "ls", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["images"]
    assert [(one["name"], one["arch"], one["current"]) for one in found] == [
        ("boot2podman for aarch64", "aarch64", True),
        ("boot2podman", "x86_64", True),
    ]


@pytest.mark.parametrize(
    "words", [["up"], ["scratch"], ["image", "build"], ["image", "pull", "debian"]]
)
def test_an_architecture_that_there_is_not_is_refused(
    layout: Layout, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    tail = ["--", "true"] if words == ["scratch"] else []
    assert run([*words, "--arch", "riscv64", *tail]) == 2
    said = capsys.readouterr().err
    assert "the command line: arch cannot be 'riscv64'" in said
    assert "auto, x86_64, amd64, aarch64 or arm64" in said
    assert not layout.machines.exists() or not list(layout.machines.iterdir())


def test_a_family_is_fetched_for_the_architecture_that_was_asked_for(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["image", "pull", "minishift-centos7", "--arch", "arm64"]) == 2
    said = capsys.readouterr().err
    assert "nowhere to fetch 'minishift-centos7' for aarch64" in said
    assert not layout.media.exists() or not list(layout.media.glob("[!.]*"))
