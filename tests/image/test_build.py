"""A build from packages of a few bytes, with a builder that only pretends."""

from __future__ import annotations

import hashlib
import json
import lzma
import tarfile
from typing import TYPE_CHECKING

import pytest

from b2p.errors import GuestError, HostError, TamperedError
from b2p.image import build, cache
from b2p.image.build import Build, Runner, Watch, image_digest, recipe_digest
from b2p.report import SilentReport
from tests.cpio_reader import read
from tests.fakes_debian import entry
from tests.fakes_host import FakeArchive, package_file
from tests.fakes_story import HOST, Heard
from tests.image.test_modules import module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from b2p.debian.index import Package

NEEDED = ("virtio_blk", "squashfs", "overlay", "ext4", "virtio_net", "loop")
SQUASHFS = b"hsqs" + bytes(36) + (5000).to_bytes(8, "little") + b"x" * (5000 - 48)
GOOD = "b2p: stage: packing\nb2p: built\n"


def kernel_package(names: Sequence[str] = NEEDED) -> bytes:
    """A kernel of these modules."""
    folder = "./usr/lib/modules/6.12/kernel/fs"
    files = [(entry("./boot/vmlinuz-6.12"), b"KERNEL")]
    packed = lzma.compress(module("depends="))
    files += [(entry(f"{folder}/{name}.ko.xz"), packed) for name in names]
    return package_file(*files)


CONTENTS = {
    "base-files": package_file((entry("./bin", tarfile.SYMTYPE, linkname="usr/bin"), b"")),
    "apt-like": package_file((entry("./usr/bin/a"), b"a")),
    "busybox-static": package_file((entry("./usr/bin/busybox"), b"BUSY")),
    "linux-image-6.12-amd64": kernel_package(),
    "linux-image-amd64": package_file((entry("./usr/share/doc/x"), b"")),
}


def packages(archive: FakeArchive) -> list[Package]:
    """All that the archive has."""
    return [archive._package(name) for name in sorted(archive.contents)]


def builder_that(writes: bytes, says: str, seen: list[list[str]] | None = None) -> Runner:
    """A builder's VM that leaves these bytes on its disk and says this on its console."""

    def run(command: Sequence[str], log: Path, watch: Watch, timeout: float) -> None:
        assert timeout > 60
        work = log.parent
        if seen is not None:
            tree = (work / "tree.cpio").read_bytes()
            assert len(tree) % 4096 == 0
            seen.append([one.name for one in read(tree)])
        with (work / "image" / cache.ROOT).open("r+b") as out:
            out.write(writes)
        (work / "console.log").write_text(says)
        watch()

    return run


def made(
    tmp_path: Path, run: Callable[..., None], contents: dict[str, bytes] = CONTENTS
) -> cache.Image:
    """One build."""
    archive = FakeArchive(tmp_path, contents)
    with Build(arch="x86_64", images=tmp_path / "images", report=SilentReport()) as one:
        one.gather(archive, packages(archive))  # type: ignore[arg-type]
        return one.finish(HOST, run)


def test_an_image_is_whole_named_and_found_again(tmp_path: Path) -> None:
    image = made(tmp_path, builder_that(SQUASHFS, GOOD))
    assert image.kernel.read_bytes() == b"KERNEL"
    assert image.root.stat().st_size == 8192
    assert image.root.read_bytes()[:5000] == SQUASHFS
    names = [one.name for one in read(image.initrd.read_bytes())]
    assert {"init", "bin/busybox", "modules/ext4.ko"} <= set(names)
    assert cache.newest(tmp_path / "images", recipe=recipe_digest(), arch="x86_64") == image
    assert [path.name for path in (tmp_path / "images").iterdir()] == [image.digest]


def test_the_manifest_tells_what_is_in_it(tmp_path: Path) -> None:
    image = made(tmp_path, builder_that(SQUASHFS, GOOD))
    manifest = json.loads((image.directory / "manifest.json").read_bytes())
    assert manifest["arch"] == "x86_64"
    assert [one["name"] for one in manifest["packages"]] == sorted(CONTENTS)
    assert manifest["packages"][0]["sha256"] == hashlib.sha256(CONTENTS["apt-like"]).hexdigest()
    facts = manifest["files"]["root.squashfs"]
    assert facts["sha256"] == hashlib.sha256(image.root.read_bytes()).hexdigest()
    assert facts["size"] == 8192


def test_links_come_before_what_goes_through_them_and_own_files_last(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    made(tmp_path, builder_that(SQUASHFS, GOOD, seen))
    (names,) = seen
    assert names[:2] == ["bin", "usr/bin/a"]
    assert names[-1].startswith("usr/lib/b2p/build/")
    assert "usr/lib/b2p/agent/__main__.py" in names


def test_the_same_packages_make_the_same_image(tmp_path: Path) -> None:
    made_twice = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made_twice.append(made(tmp_path / name, builder_that(SQUASHFS, GOOD)))
    one, two = made_twice
    assert one.digest == two.digest
    assert one.initrd.read_bytes() == two.initrd.read_bytes()


def test_every_input_is_in_the_name(tmp_path: Path) -> None:
    all_of = packages(FakeArchive(tmp_path, CONTENTS))
    names = {
        image_digest("r", "x86_64", all_of),
        image_digest("q", "x86_64", all_of),
        image_digest("r", "aarch64", all_of),
        image_digest("r", "x86_64", all_of[1:]),
    }
    assert len(names) == 4


@pytest.mark.parametrize(
    ("writes", "says", "message"),
    [
        (b"", "", "starting the builder: the builder's machine ended too early"),
        (SQUASHFS, "b2p: stage: packing\n", "packing: the builder's machine ended too early"),
        (b"", "b2p: stage: packing\nb2p: failed: no space\n", "packing: no space"),
        (b"", "Kernel panic - not syncing: x\n", "starting the builder: Kernel panic"),
        (b"", GOOD, "packing: the builder's machine ended too early"),
    ],
)
def test_a_builder_that_does_not_finish_leaves_nothing(
    tmp_path: Path, writes: bytes, says: str, message: str
) -> None:
    with pytest.raises(GuestError, match=message) as caught:
        made(tmp_path, builder_that(writes, says))
    assert caught.value.details == says.strip()
    assert caught.value.hint
    assert list((tmp_path / "images").iterdir()) == []


def test_a_builder_that_is_overdue_is_told_with_its_stage_and_words(tmp_path: Path) -> None:
    inner = builder_that(b"", "b2p: stage: packing\nstill at it\n")

    def run(*arguments: object) -> None:
        inner(*arguments)  # type: ignore[arg-type]
        raise HostError("'qemu' did not end within 600 s", details="qemu: words")

    with pytest.raises(GuestError, match="packing: 'qemu' did not end within 600 s") as caught:
        made(tmp_path, run)
    assert caught.value.details == "qemu: words\nb2p: stage: packing\nstill at it"


def test_stages_of_the_builder_are_shown(tmp_path: Path) -> None:
    report = Heard()
    archive = FakeArchive(tmp_path, CONTENTS)
    with Build(arch="x86_64", images=tmp_path / "images", report=report) as one:
        one.gather(archive, packages(archive))  # type: ignore[arg-type]
        one.finish(HOST, builder_that(SQUASHFS, "b2p: stage: reading\n" + GOOD))
    assert report.said == ["finishing the image in its own machine", "reading", "packing"]


@pytest.mark.parametrize("lacks", ["busybox-static", "linux-image-6.12-amd64"])
def test_packages_without_kernel_or_busybox_are_refused(tmp_path: Path, lacks: str) -> None:
    contents = {name: content for name, content in CONTENTS.items() if name != lacks}
    with pytest.raises(TamperedError, match="no kernel or no busybox"):
        made(tmp_path, builder_that(SQUASHFS, GOOD), contents)


def test_a_kernel_without_a_module_that_booting_needs_is_refused(tmp_path: Path) -> None:
    contents = {**CONTENTS, "linux-image-6.12-amd64": kernel_package(NEEDED[:3])}
    with pytest.raises(TamperedError, match="no module 'ext4'"):
        made(tmp_path, builder_that(SQUASHFS, GOOD), contents)


def test_a_broken_image_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    image = made(tmp_path, builder_that(SQUASHFS, GOOD))
    image.kernel.unlink()
    assert made(tmp_path, builder_that(SQUASHFS, GOOD)).kernel.exists()


def test_what_a_killed_build_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "images" / f"{build.ASIDE}abc" / "image"
    left.mkdir(parents=True)
    (left / "kernel").touch()
    made(tmp_path, builder_that(SQUASHFS, GOOD))
    assert not left.parent.exists()


def test_the_recipe_covers_the_code_that_makes_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = recipe_digest()
    for part in ("recipe", "tree", "builder", "initrds", "modules"):
        other = tmp_path / part
        other.write_text("another way to do it")
        with monkeypatch.context() as patch:
            patch.setattr(getattr(build, part), "__file__", str(other))
            assert recipe_digest() != before
