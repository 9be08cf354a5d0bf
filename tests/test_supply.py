"""What a machine needs: found where it is there, brought where it is not."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import supply
from b2p.errors import DownloadError, HostError, UsageError
from b2p.host import accelerator, computer, qemu
from b2p.image import recipe
from b2p.image.build import recipe_digest
from b2p.settings import Settings
from b2p.store import lock
from b2p.store.layout import Layout
from b2p.supply import Supply
from tests.fakes_host import FakeArchive
from tests.fakes_story import HOST, QEMU, Heard
from tests.image.test_build import CONTENTS, GOOD, SQUASHFS, builder_that
from tests.image.test_cache import image

if TYPE_CHECKING:
    from pathlib import Path

ROOTS = ("base-files", "busybox-static", "apt-like")


class Archive(FakeArchive):
    """One that remembers that it was stopped."""

    stopped = False

    def stop(self) -> None:
        """Remember it."""
        self.stopped = True


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supply:
    """A supply with packages of a few bytes and a QEMU that is simply there."""
    monkeypatch.setattr(computer, "arch", lambda: "x86_64")
    monkeypatch.setattr(computer, "free_bytes", lambda _path: 3 << 30)
    monkeypatch.setattr(qemu, "find", lambda *_given, **_named: QEMU)
    monkeypatch.setattr(accelerator, "prove", lambda *_given, **_named: ("tcg", "slow; buy"))
    monkeypatch.setattr(
        recipe, "packages", lambda _engine, _arch, extra: [*ROOTS, "linux-image-amd64", *extra]
    )
    monkeypatch.setattr(recipe, "KERNELS", {"x86_64": "linux-image-amd64"})
    monkeypatch.setattr(supply, "_run", builder_that(SQUASHFS, GOOD))
    layout = Layout(
        data=tmp_path / "d", cache=tmp_path / "c", config=tmp_path / "f", sockets=tmp_path / "s"
    )
    found = Supply(Settings(cpus=2), layout, Heard())
    kernel: dict[str, tuple[str, ...]] = {"linux-image-amd64": ("linux-image-6.12-amd64",)}
    vars(found)["archive"] = Archive(tmp_path, CONTENTS, depends=kernel)
    return found


def archive_of(made: Supply) -> Any:
    return made.archive


def test_an_image_that_is_there_is_taken_and_nothing_fetched(made: Supply) -> None:
    image(made.layout.images, "old", recipe=recipe_digest(), built=1)
    image(made.layout.images, "new", recipe=recipe_digest(), built=2)
    image(made.layout.images, "of an older b2p", recipe="other", built=3)
    host, found = made.all()
    assert found.digest == "new"
    assert (host.qemu, host.accelerator, host.accelerator_problem) == (QEMU, "tcg", "slow; buy")
    assert made.all("of an older b2p")[1].digest == "of an older b2p"
    assert not archive_of(made).fetched


def test_images_of_another_architecture_are_another_matter(made: Supply) -> None:
    image(made.layout.images, "mine", recipe=recipe_digest(), built=1)
    image(made.layout.images, "0123arm", recipe=recipe_digest(), built=2, arch="aarch64")
    assert made.all()[1].digest == "mine"
    other = replace(made.settings, arch="aarch64")
    arm = Supply(other, made.layout, made.report)
    host, found = arm.all()
    assert (host.arch, found.digest) == ("aarch64", "0123arm")
    made.settings = replace(made.settings, image="0123", said=frozenset({"image"}))
    with pytest.raises(UsageError, match="is for aarch64, the machine is x86_64") as caught:
        made.all()
    assert "--arch aarch64" in caught.value.hint


def test_an_image_that_was_lost_is_replaced_by_a_current_one_with_a_warning(made: Supply) -> None:
    image(made.layout.images, "new", recipe=recipe_digest())
    assert made.all("0" * 64)[1].digest == "new"
    (warning,) = made.report.warnings  # type: ignore[attr-defined]
    assert "no longer in the cache" in warning


def test_where_there_is_none_it_is_built(made: Supply) -> None:
    _, built = made.all()
    assert built.root.exists()
    assert sorted(archive_of(made).fetched) == sorted(CONTENTS)
    assert archive_of(made).closed
    assert made.image("") == built


def test_one_that_another_b2p_built_meanwhile_is_taken(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.layout.images.mkdir(parents=True)
    holding = lock.hold(made.layout.images / ".building.lock", command="building the image")
    holding.__enter__()

    def built_there(text: str) -> None:
        image(made.layout.images, "theirs", recipe=recipe_digest())
        holding.__exit__(None, None, None)
        assert "waiting for another b2p" in text

    monkeypatch.setattr(made.report, "note", built_there)
    assert made.all()[1].digest == "theirs"
    assert not archive_of(made).fetched


def test_a_download_that_fails_stops_what_goes_on_beside(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_of(made).offline = True
    begun = threading.Event()

    def bring_long(*_given: object, **_named: object) -> None:
        begun.set()
        while not archive_of(made).stopped:
            pass

    monkeypatch.setattr(qemu, "find", bring_long)
    with pytest.raises(DownloadError, match="no mirror answers"):
        made.all()
    assert archive_of(made).closed
    assert begun.is_set()
    assert [path.name for path in made.layout.images.iterdir()] == [".building.lock"]


def test_a_qemu_that_cannot_be_had_ends_the_build(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(*_given: object, **_named: object) -> None:
        raise HostError("no qemu")

    monkeypatch.setattr(qemu, "find", find)
    with pytest.raises(HostError, match="no qemu"):
        made.all()
    assert archive_of(made).stopped


def test_both_threads_of_a_build_use_one_archive(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []
    archive = vars(made).pop("archive")

    def new_archive(**_named: object) -> object:
        found.append(archive)
        return archive

    monkeypatch.setattr("b2p.debian.archive.Archive", new_archive)
    monkeypatch.setattr(qemu, "find", lambda *_given, **_named: (made.archive, QEMU)[1])
    made.all()
    assert len(found) == 1


def test_a_qemu_that_somebody_chose_is_looked_at_before_anything_is_fetched(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(wish: str, *_given: object, **_named: object) -> None:
        raise HostError(f"no qemu at {wish}")

    monkeypatch.setattr(qemu, "find", find)
    made.settings = replace(made.settings, qemu="/no/such")
    with pytest.raises(HostError, match="/no/such"):
        made.all()
    assert not archive_of(made).fetched


def test_too_little_room_is_told_before_anything_is_fetched(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computer, "free_bytes", lambda _path: 100 << 20)
    with pytest.raises(HostError, match="100 MiB are free") as caught:
        made.all()
    assert "B2P_CACHE_DIR" in caught.value.hint
    assert not archive_of(made).fetched


def test_a_disk_that_fills_up_is_told_in_one_line(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(supply, "_run", run)
    with pytest.raises(HostError, match="no space left on device") as caught:
        made.all()
    assert "B2P_CACHE_DIR" in caught.value.hint
    assert [path.name for path in made.layout.images.iterdir()] == [".building.lock"]


def test_the_payload_of_this_architecture_proves_the_accelerator(
    made: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def prove(found: object, arch: str, wish: str, **named: Any) -> tuple[str, str]:
        given.update(named, arch=arch, wish=wish)
        return "kvm", ""

    monkeypatch.setattr(accelerator, "prove", prove)
    made.settings = replace(made.settings, accel="kvm")
    host = made.host(QEMU)
    assert (host.accelerator, host.arch) == ("kvm", HOST.arch)
    assert (given["payload"].name, given["wish"]) == ("x86_64.bin", "kvm")
    assert given["findings"] == made.layout.findings


def test_a_builder_that_fails_is_told_with_qemus_words(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo no such disk >&2; exit 1"]
    with pytest.raises(HostError, match="QEMU failed while it built") as caught:
        supply._run(command, tmp_path / "log", lambda: None, 5)
    assert caught.value.details == "no such disk\n"
    supply._run(["true"], tmp_path / "log", lambda: None, 5)
