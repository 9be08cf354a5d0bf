"""Building by name and by lock, verifying, inspecting."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import builds
from b2p.debian.archive import StaleIndexError
from b2p.errors import DownloadError, StateError, TamperedError, UsageError
from b2p.image import cache
from b2p.image.build import recipe_digest
from b2p.report import SilentReport
from b2p.settings import Settings
from tests.fakes_host import FakeArchive
from tests.fakes_story import Heard
from tests.image.test_build import CONTENTS
from tests.test_supply import Archive, made

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.supply import Supply

__all__ = ["made"]


@pytest.fixture
def building(made: Supply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builds:
    """The stories, with packages of a few bytes."""

    def supply(settings: Settings, layout: object, report: Any) -> Supply:
        made.settings, made.report = settings, report
        return made

    monkeypatch.setattr(builds, "Supply", supply)
    return Builds(made, tmp_path / "b2p.lock")


class Builds:
    """One person's builds."""

    def __init__(self, supply: Supply, lock: Path) -> None:
        self.supply = supply
        self.lock = lock
        self.report = Heard()

    @property
    def archive(self) -> Any:
        return self.supply.archive

    def __call__(self, *packages: str, lock: bool = False) -> cache.Image:
        return builds.build(
            Settings(cpus=1),
            self.supply.layout,
            self.report,
            packages=packages,
            lock=self.lock if lock else None,
        )


def test_two_builds_are_one_image_and_the_first_stays(building: Builds) -> None:
    first = building()
    inode = first.root.stat().st_ino
    assert building() == first
    assert first.root.stat().st_ino == inode
    assert not building.report.warnings


def test_a_build_that_differs_is_told(building: Builds) -> None:
    first = building()
    manifest = json.loads((first.directory / cache.MANIFEST).read_bytes())
    manifest["files"]["kernel"]["sha256"] = "0" * 64
    (first.directory / cache.MANIFEST).write_text(json.dumps(manifest))
    building()
    (warning,) = building.report.warnings
    assert "another kernel than last time" in warning


def test_more_packages_make_another_image_that_is_not_the_default(building: Builds) -> None:
    archive = building.archive
    archive.contents = {**CONTENTS, "htop": CONTENTS["apt-like"]}
    plain, more = building(), building("htop")
    assert plain.digest != more.digest
    assert more.extra == ("htop",)
    building.supply.settings = Settings(cpus=1)
    assert building.supply.image("") == plain
    building.supply.settings = Settings(cpus=1, packages=("htop",))
    assert building.supply.image("") == more


def test_a_lock_is_written_and_makes_the_same_image(building: Builds) -> None:
    first = building(lock=True)
    assert json.loads(building.lock.read_bytes())["image"] == first.digest
    # What Debian has by now does not matter.
    building.archive.with_fresh_index = None
    assert building(lock=True) == first


@pytest.mark.parametrize(
    ("raised", "expected", "words"),
    [
        (StaleIndexError("'http://x/pool/busybox-static.deb' does not exist"), DownloadError,
         "busybox-static 1.0 of the lock is gone"),
        (TamperedError("'http://x/pool/base-files.deb' has another sha256"), TamperedError,
         "base-files 1.0 is not the one that the lock names"),
        (StaleIndexError("'http://x/other' does not exist"), StaleIndexError, "other"),
    ],
)  # fmt: skip
def test_a_package_that_is_gone_or_another_is_named(
    building: Builds,
    monkeypatch: pytest.MonkeyPatch,
    raised: DownloadError,
    expected: type[DownloadError],
    words: str,
) -> None:
    building(lock=True)
    before = building.lock.read_bytes()

    def fetch(*_given: object, **_named: object) -> None:
        raise raised

    monkeypatch.setattr(Archive, "fetch", fetch)
    with pytest.raises(expected, match=words):
        building(lock=True)
    assert building.lock.read_bytes() == before


def test_a_lock_of_another_b2p_or_computer_is_told(building: Builds) -> None:
    building(lock=True)
    values = json.loads(building.lock.read_bytes())
    building.lock.write_text(json.dumps({**values, "recipe": "r"}))
    building(lock=True)
    assert "made by another b2p" in building.report.warnings[0]
    building.lock.write_text(json.dumps({**values, "arch": "aarch64"}))
    with pytest.raises(UsageError, match="for aarch64 processors"):
        building(lock=True)
    with pytest.raises(UsageError, match="--package wants another"):
        building("htop", lock=True)


def test_an_image_is_verified_byte_for_byte(building: Builds) -> None:
    image, layout = building(), building.supply.layout
    (good,) = builds.verify([], layout, SilentReport())
    assert (good.checked, good.changed) == (("initrd", "kernel", "root.squashfs"), ())
    builds.refuse_changed([good])
    image.kernel.write_bytes(image.kernel.read_bytes()[:-1] + b"?")
    (bad,) = builds.verify([image.digest[:5]], layout, SilentReport())
    assert bad.as_json()["changed"] == ["kernel"]
    with pytest.raises(StateError, match="was changed: kernel"):
        builds.refuse_changed([bad])


def test_an_image_is_shown_with_its_packages_and_machines(building: Builds) -> None:
    image = building()
    shown = builds.inspect(image.digest[:5], building.supply.layout)
    assert shown["recipe"] == recipe_digest()
    assert [one["name"] for one in shown["packages"]] == sorted(CONTENTS)
    assert shown["machines"] == []
    with pytest.raises(UsageError, match="no image of the cache"):
        builds.inspect("zz", building.supply.layout)


def test_security_updates_are_locked_as_such(tmp_path: Path) -> None:
    archive = FakeArchive(tmp_path, CONTENTS)
    one = replace(archive._package("apt-like"), url_base=archive.mirror(security=True))
    assert archive.is_security(one)


def test_a_lock_keeps_its_engine(building: Builds) -> None:
    building(lock=True)
    for engine, is_refused in (("docker", True), ("podman", False)):
        wished = Settings(cpus=1, engine=engine, said=frozenset({"engine"}))
        arguments = (wished, building.supply.layout, building.report)
        if is_refused:
            with pytest.raises(UsageError, match="is of an image with podman, not docker"):
                builds.build(*arguments, lock=building.lock)
        else:
            assert builds.build(*arguments, lock=building.lock).engine == "podman"
    text = building.lock.read_text()
    building.lock.write_text(text.replace('"engine": "podman"', '"engine": "rkt"'))
    with pytest.raises(UsageError, match="is no lock file"):
        building(lock=True)


def test_an_image_with_docker_is_another_one(building: Builds) -> None:
    podman = building()
    docker = builds.build(
        Settings(cpus=1, engine="docker"), building.supply.layout, building.report
    )
    assert (podman.engine, docker.engine) == ("podman", "docker")
    assert podman.digest != docker.digest
    building.supply.settings = Settings(cpus=1, engine="docker")
    assert building.supply.image("") == docker
    said = frozenset({"image"})
    building.supply.settings = Settings(
        cpus=1, engine="docker", image=podman.digest[:12], said=said
    )
    with pytest.raises(UsageError, match="has podman, not docker"):
        building.supply.wished_image("")
