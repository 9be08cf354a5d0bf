"""A bundle from the parts that are packed to the cache that they come to; and bundles that lie."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from b2p import bundles
from b2p.errors import TamperedError, UsageError
from b2p.host import computer
from b2p.image import cache
from b2p.image.build import recipe_digest
from b2p.report import SilentReport
from b2p.store.layout import Layout
from tests.fakes import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE, QEMU = "ab" * 32, "cd" * 8


@pytest.fixture
def layout() -> Iterator[Layout]:
    """A user's who has nothing yet."""
    with short_directory() as home:
        yield Layout(data=home / "d", cache=home / "c", sockets=home / "s", config=home / "b")


@pytest.fixture
def parts(tmp_path: Path) -> list[Any]:
    """What is packed: an image, a QEMU whose library has two names, a wheel."""
    image, qemu = tmp_path / "image", tmp_path / "qemu"
    image.mkdir()
    files = {name: name.encode() * 1000 for name in (cache.KERNEL, cache.INITRD, cache.ROOT)}
    for name, content in files.items():
        (image / name).write_bytes(content)
    manifest = {
        "schema": cache.SCHEMA,
        "digest": IMAGE,
        "arch": computer.arch(),
        "recipe": recipe_digest(),
        "files": {name: {"size": len(content)} for name, content in files.items()},
    }
    (image / cache.MANIFEST).write_text(json.dumps(manifest))
    (qemu / "lib").mkdir(parents=True)
    (qemu / "manifest.json").write_text("{}")
    (qemu / "lib/libx.so.1.2").write_bytes(b"library")
    (qemu / "lib/libx.so.1.2").chmod(0o755)
    (qemu / "lib/libx.so.1").symlink_to("libx.so.1.2")
    (tmp_path / "b2p.whl").write_bytes(b"wheel")
    wheel = bundles._Member("wheels/b2p.whl", tmp_path / "b2p.whl")
    return [wheel, *bundles._below(qemu, "qemu"), *bundles._below(image, "image")]


def packed(tmp_path: Path, parts: list[Any], **facts: str) -> Path:
    target = tmp_path / "bundle.tar"
    known = {"image": IMAGE, "recipe": recipe_digest(), "qemu": QEMU}
    known |= {"guest": computer.arch(), **facts}
    bundles._pack(target, target.name, parts, known, SilentReport())
    return target


def left(layout: Layout) -> list[str]:
    """What is in the cache, but for locks."""
    return sorted(
        path.relative_to(layout.cache).as_posix()
        for path in layout.cache.rglob("*")
        if not path.is_dir() and path.suffix != ".lock"
    )


def rewritten(bundle: Path, change: Any) -> None:
    """The bundle anew; `change` may return other members, given as (entry, content) pairs."""
    with tarfile.open(bundle) as archive:
        members = []
        for entry in archive.getmembers():
            file = archive.extractfile(entry) if entry.isreg() else None
            members.append((entry, file.read() if file else b""))
    with tarfile.open(bundle, "w") as archive:
        for entry, content in change(members):
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def test_what_was_packed_comes_to_the_cache_once(
    tmp_path: Path, layout: Layout, parts: list[Any]
) -> None:
    bundle = packed(tmp_path, parts)
    bundles.bring(bundle, layout, SilentReport())
    assert cache.read(layout.images / IMAGE).digest == IMAGE
    library = layout.qemu / QEMU / "lib/libx.so.1"
    assert library.is_symlink()
    assert library.read_bytes() == b"library"
    assert library.stat().st_mode & 0o777 == 0o755
    assert not [name for name in left(layout) if "whl" in name]
    before = {name: (layout.cache / name).stat().st_ino for name in left(layout)}
    bundles.bring(bundle, layout, SilentReport())
    assert {name: (layout.cache / name).stat().st_ino for name in left(layout)} == before


def test_the_readme_says_for_which_guests_it_is(
    tmp_path: Path, parts: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computer, "arch", lambda: "x86_64")
    for guest, words in (("x86_64", "--offline\n"), ("aarch64", "--offline --arch aarch64\n")):
        with tarfile.open(packed(tmp_path, parts, guest=guest)) as archive:
            readme = archive.extractfile("README")
            assert readme
            assert readme.read().decode().endswith(words)


def test_a_part_that_is_there_is_left_alone(
    tmp_path: Path, layout: Layout, parts: list[Any]
) -> None:
    (layout.qemu / QEMU).mkdir(parents=True)
    (layout.qemu / QEMU / "manifest.json").write_text("mine")
    bundles.bring(packed(tmp_path, parts), layout, SilentReport())
    assert (layout.qemu / QEMU / "manifest.json").read_text() == "mine"
    assert (layout.images / IMAGE / "kernel").exists()


def flipped(members: list[Any]) -> list[Any]:
    return [
        (entry, b"X" + content[1:] if entry.name == "image/root.squashfs" else content)
        for entry, content in members
    ]


def without_kernel(members: list[Any]) -> list[Any]:
    return [one for one in members if one[0].name != "image/kernel"]


def longer(members: list[Any]) -> list[Any]:
    return [
        (entry, content + b"more" if entry.name == "image/initrd" else content)
        for entry, content in members
    ]


def led_elsewhere(members: list[Any]) -> list[Any]:
    for entry, _ in members:
        if entry.issym():
            entry.linkname = "/etc/passwd"
    return members


def twice(members: list[Any]) -> list[Any]:
    return [one for one in members for _ in range(2 if one[0].name == "image/kernel" else 1)]


@pytest.mark.parametrize("change", [flipped, without_kernel, longer, led_elsewhere])
def test_what_was_changed_is_refused_and_nothing_is_left(
    tmp_path: Path, layout: Layout, parts: list[Any], change: Any
) -> None:
    bundle = packed(tmp_path, parts)
    rewritten(bundle, change)
    with pytest.raises(TamperedError):
        bundles.bring(bundle, layout, SilentReport())
    assert left(layout) == []


def test_a_member_that_comes_twice_counts_once(
    tmp_path: Path, layout: Layout, parts: list[Any]
) -> None:
    bundle = packed(tmp_path, parts)
    rewritten(bundle, twice)
    bundles.bring(bundle, layout, SilentReport())
    assert cache.read(layout.images / IMAGE).digest == IMAGE


def test_no_member_gets_out_of_its_place(tmp_path: Path, layout: Layout, parts: list[Any]) -> None:
    evil = tmp_path / "evil"
    evil.write_bytes(b"evil")
    bundle = packed(tmp_path, [*parts, bundles._Member("image/../../../evil", evil)])
    with pytest.raises(TamperedError):
        bundles.bring(bundle, layout, SilentReport())
    assert left(layout) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"image": "../../evil"},
        {"image": ""},
        {"qemu": "/etc"},
        {"recipe": "0" * 64},
    ],
)
def test_facts_that_do_not_fit_are_told_in_one_line(
    tmp_path: Path, layout: Layout, parts: list[Any], facts: dict[str, str]
) -> None:
    bundle = packed(tmp_path, parts, **facts)
    with pytest.raises(UsageError) as caught:
        bundles.bring(bundle, layout, SilentReport())
    assert str(bundle) in caught.value.message
    assert caught.value.hint
    assert left(layout) == []


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 10240])
def test_what_is_no_bundle_is_told(tmp_path: Path, layout: Layout, content: bytes) -> None:
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(content)
    with pytest.raises(UsageError, match="is no bundle of b2p's"):
        bundles.bring(bundle, layout, SilentReport())
    with pytest.raises(UsageError, match="cannot be read"):
        bundles.bring(tmp_path / "missing", layout, SilentReport())


def test_one_that_is_cut_off_is_told(tmp_path: Path, layout: Layout, parts: list[Any]) -> None:
    bundle = packed(tmp_path, parts)
    whole = bundle.read_bytes()
    for length in (600, 5000, len(whole) // 2):
        bundle.write_bytes(whole[:length])
        with pytest.raises((UsageError, TamperedError)):
            bundles.bring(bundle, layout, SilentReport())
        assert left(layout) == []


def test_a_bundle_is_never_written_over_a_file(tmp_path: Path, layout: Layout) -> None:
    from b2p.settings import Settings

    target = tmp_path / "mine"
    target.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        bundles.write(target, Settings(cpus=1), layout, SilentReport())
    assert target.read_text() == "mine"
