"""snapshot at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from b2p.cli.main import run
from b2p.store import saved
from tests import fakes_machine as fakes

if TYPE_CHECKING:
    from b2p.store.layout import Layout

    Capture = pytest.CaptureFixture[str]


def machine_with_disk(layout: Layout) -> None:
    fakes.stopped_machine(layout)
    with layout.machine("default").data_disk.open("wb") as disk:
        disk.write(b"x")
        disk.truncate(1 << 30)


def test_snapshots_are_made_listed_restored_and_forgotten(layout: Layout, capsys: Capture) -> None:
    machine_with_disk(layout)
    assert run(["snapshot", "ls"]) == 0
    assert "no snapshots yet" in capsys.readouterr().err
    assert run(["snapshot", "create", "clean"]) == 0
    assert "b2p snapshot restore clean" in capsys.readouterr().err
    assert run(["snapshot", "ls"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "clean"
    assert run(["snapshot", "restore", "clean"]) == 0
    capsys.readouterr()
    assert run(["snapshot", "ls", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["snapshots"]
    assert (one["name"], set(one)) == ("clean", {"name", "created", "used_bytes"})
    assert run(["status"]) == 0
    assert run(["snapshot", "rm", "clean"]) == 0
    assert layout.machine("default").data_overlay.exists()


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["create", "clean"], "has a snapshot 'clean' already", "b2p snapshot rm clean"),
        (["create", "../x"], "'../x' cannot be a snapshot's name", "use at most 40"),
        (["restore", "other"], "has no snapshot 'other'", "it has: clean"),
        (["rm", "clean", "other"], "has no snapshot 'other'", "it has: clean"),
        (["ls", "-m", "nobody"], "there is no machine 'nobody'", "b2p up"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_lost(
    layout: Layout, capsys: Capture, words: list[str], message: str, hint: str
) -> None:
    machine_with_disk(layout)
    assert run(["-q", "snapshot", "create", "clean"]) == 0
    assert run(["snapshot", *words]) == 2
    said = capsys.readouterr().err
    assert message in said.splitlines()[0]
    assert hint in said
    assert run(["snapshot", "restore", "clean"]) == 0


def test_only_stopped_machines_of_b2ps_own_have_snapshots(layout: Layout, capsys: Capture) -> None:
    with fakes.running_machine(layout):
        assert run(["snapshot", "create", "x"]) == 2
        assert "is running" in capsys.readouterr().err
    machine_with_disk(layout)
    files = layout.machine("default")
    files.saved_manifest.write_text("{}")
    assert saved.exists(files)
    assert run(["snapshot", "create", "x"]) == 2
    assert "is suspended" in capsys.readouterr().err
    files.saved_manifest.unlink()
    files.data_disk.unlink()
    fakes.stopped_machine(layout, "web", family="debian")
    assert run(["snapshot", "create", "-m", "web", "x"]) == 2
    assert "made of debian" in capsys.readouterr().err
