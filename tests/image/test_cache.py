"""Images in the cache: whole ones, and others."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from b2p.errors import StateError
from b2p.image import cache

if TYPE_CHECKING:
    from pathlib import Path


def image(images: Path, digest: str, *, built: float = 1000.0, **changes: Any) -> Path:
    """An image of that digest as a build leaves it."""
    directory = images / digest
    directory.mkdir(parents=True)
    names = (cache.KERNEL, cache.INITRD, cache.ROOT)
    for name in names:
        (directory / name).write_text(name)
    manifest = {
        "schema": 1,
        "digest": digest,
        "arch": "x86_64",
        "recipe": "r",
        "files": {name: {"size": len(name)} for name in names},
        **changes,
    }
    (directory / cache.MANIFEST).write_text(json.dumps(manifest))
    os.utime(directory, (built, built))
    return directory


def test_a_whole_image_is_read(tmp_path: Path) -> None:
    found = cache.read(image(tmp_path, "abc"))
    assert (found.digest, found.arch, found.recipe) == ("abc", "x86_64", "r")
    assert [path.read_text() for path in (found.kernel, found.initrd, found.root)] == [
        "kernel",
        "initrd",
        "root.squashfs",
    ]


def broken(directory: Path, how: str) -> None:
    match how:
        case "cut":
            (directory / cache.ROOT).write_text("x")
        case "lacks":
            (directory / cache.KERNEL).unlink()
        case "no manifest":
            (directory / cache.MANIFEST).unlink()
        case _:
            (directory / cache.MANIFEST).write_text(how)


@pytest.mark.parametrize(
    "how", ["cut", "lacks", "no manifest", "{", "[]", "{}", '{"schema": 1, "files": []}']
)
def test_one_that_is_not_whole_is_refused_with_what_to_do(tmp_path: Path, how: str) -> None:
    directory = image(tmp_path, "abcdefabcdefabcdef")
    broken(directory, how)
    with pytest.raises(StateError, match="'abcdefabcdef' in the cache cannot be used") as caught:
        cache.read(directory)
    assert str(directory) in caught.value.hint


@pytest.mark.parametrize("changes", [{"schema": 2}, {"files": {}}])
def test_one_of_another_kind_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(StateError):
        cache.read(image(tmp_path, "abc", **changes))


def test_a_broken_one_hides_no_other_and_the_newest_is_first(tmp_path: Path) -> None:
    image(tmp_path, "old", built=1000)
    image(tmp_path, "new", built=2000)
    broken(image(tmp_path, "bad"), "cut")
    (tmp_path / ".building-x").mkdir()
    (tmp_path / "a file").touch()
    assert [one.digest for one in cache.every(tmp_path)] == ["new", "old"]
    assert cache.every(tmp_path / "nothing") == []


def test_the_newest_of_a_recipe_and_architecture_is_taken(tmp_path: Path) -> None:
    image(tmp_path, "fits", built=1000)
    image(tmp_path, "other recipe", built=2000, recipe="q")
    image(tmp_path, "other arch", built=3000, arch="aarch64")
    found = cache.newest(tmp_path, recipe="r", arch="x86_64")
    assert found
    assert found.digest == "fits"
    assert cache.newest(tmp_path, recipe="p", arch="x86_64") is None


def test_one_that_the_cache_lost_is_told(tmp_path: Path) -> None:
    assert cache.by_digest(tmp_path, image(tmp_path, "abc").name).digest == "abc"
    with pytest.raises(StateError, match="no longer in the cache") as caught:
        cache.by_digest(tmp_path, "0" * 64)
    assert caught.value.hint
