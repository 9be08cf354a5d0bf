"""image ls, pull, rm and prune at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from b2p import images
from b2p.cli.main import run
from b2p.store import states
from tests.fakes_machine import stopped_machine
from tests.image.test_cache import image
from tests.image.test_pull import DIGEST, DISK
from tests.store.test_states import published

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from b2p.store.layout import Layout


def test_an_image_is_pulled_listed_and_removed(
    layout: Layout, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import gzip
    import hashlib

    packed = gzip.compress(DISK, mtime=0)
    digest = hashlib.sha256(packed).hexdigest()
    (home / "disk.raw.gz").write_bytes(packed)
    assert run(["-q", "image", "pull", "./disk.raw.gz", "--digest", f"sha256:{digest}"]) == 0
    assert capsys.readouterr().out == f"{digest}\n"
    stopped_machine(layout, "web", image=digest)
    assert run(["image", "ls"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["DIGEST", "KIND", "SIZE", "NAME", "MACHINES"]
    assert line.split()[0] == digest[:12]
    assert line.split()[-2:] == ["disk.raw.gz", "web"]
    assert run(["image", "rm", digest[:6]]) == 2
    assert "used by machine 'web'" in capsys.readouterr().err


def test_a_file_that_is_used_where_it_lies_is_named(
    layout: Layout, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "disk.raw").write_bytes(DISK)
    assert run(["-q", "image", "pull", "./disk.raw", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["image"] == {"digest": DIGEST, "path": str(home / "disk.raw"), "name": "disk.raw"}
    assert run(["image", "ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "images": [], "states": []}


def test_pruning_says_what_it_freed(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    image(layout.images, "aaa")
    assert run(["image", "prune", "--json"]) == 0
    (removed,) = json.loads(capsys.readouterr().out)["removed"]
    assert removed["digest"] == "aaa"
    assert run(["image", "prune"]) == 0
    assert "0 images removed" in capsys.readouterr().err


def test_bad_words_are_told_in_a_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "page").write_text("<html>")
    assert run(["image", "pull", "./page"]) == 2
    assert "web page" in capsys.readouterr().err
    assert run(["image", "pull", "nobody"]) == 2
    assert "no family, no address and no path" in capsys.readouterr().err
    assert run(["image"]) == 0
    assert "prune" in capsys.readouterr().out


def test_an_image_is_verified_and_shown(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    image(layout.images, "aaa")
    assert run(["-q", "image", "verify"]) == 125
    said = capsys.readouterr()
    heading, row = said.out.splitlines()
    assert heading.endswith("CHANGED")
    assert row.split()[0] == "aaa"
    assert "was changed" in said.err
    assert run(["image", "inspect", "aaa"]) == 0
    assert json.loads(capsys.readouterr().out)["image"]["digest"] == "aaa"
    assert run(["image", "inspect", "zzz"]) == 2


def test_a_build_that_cannot_be_is_told_before_anything_is_fetched(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["image", "build", "--package", "No Such"]) == 2
    assert "not the name of a Debian package" in capsys.readouterr().err
    (home / "lock").write_text("{")
    assert run(["image", "build", "--lock", "lock"]) == 2
    assert "no lock file" in capsys.readouterr().err


def test_golden_states_are_listed_pruned_and_removed_by_name(
    layout: Layout, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image(layout.images, "aaa")
    fields = {"image": str(layout.images / "aaa/kernel"), "memory": "2048M"}
    (home / "made").mkdir()
    kept = published(home / "made", fields, states_in=layout.states)
    gone = published(home / "made", {**fields, "image": "/x/bbb/kernel"}, states_in=layout.states)
    assert run(["image", "ls", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["states"]
    assert {one["digest"]: one["current"] for one in found} == {kept.key: True, gone.key: False}
    assert run(["image", "ls"]) == 0
    assert f"{kept.key[:12]}  state" in capsys.readouterr().out
    assert run(["image", "rm", kept.key[:8]]) == 0
    assert "0 images and 1 golden states removed" in capsys.readouterr().err
    assert [one.digest for one in images.prune(layout) if one.kind == "state"] == [gone.key]
    assert states.every(layout.states) == []
