"""Archives from a mirror, a web server or a guest: .deb, tar, packed images, kernel modules."""

from __future__ import annotations

import io
import lzma
import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from b2p import trees
from b2p.formats import cpio, deb
from b2p.host import brought
from b2p.image import modules, unpack
from b2p.image.recipe import wanted
from b2p.report import SilentReport
from tests import cpio_reader, fakes_debian
from tests.fakes_debian import entry
from tests.hostile_input import EVIL_NAMES, harmless, names, spoiled

if TYPE_CHECKING:
    from collections.abc import Iterator

TAR = fakes_debian.tar(
    [
        (entry("./", tarfile.DIRTYPE), b""),
        (entry("./usr/bin/x", mode=0o4755), b"program" * 100),
        (entry("./usr/bin/y", tarfile.SYMTYPE, linkname="x"), b""),
        (entry("./usr/bin/z", tarfile.LNKTYPE, linkname="./usr/bin/x"), b""),
    ]
)
PACKAGES = {ending: fakes_debian.deb(TAR, ending) for ending in ("", ".gz", ".xz", ".zst")}

KINDS = (
    *(tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE),
    *(tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"V"),
)
entries = st.builds(
    lambda name, kind, link, mode: entry(name, kind, linkname=link, mode=mode),
    names.filter(lambda name: "\0" not in name and "\udcff" not in name),
    st.sampled_from(KINDS),
    names.filter(lambda name: "\0" not in name and "\udcff" not in name),
    st.sampled_from([0o644, 0o755, 0o4755, 0o7777]),
)
listings = st.lists(entries, max_size=5)


def archived(found: list[tarfile.TarInfo]) -> bytes:
    """A tar of these; not made by the strategy, since a failure would print all of its bytes."""
    return fakes_debian.tar([(one, b"x" if one.isreg() else b"") for one in found])


@pytest.mark.parametrize("ending", PACKAGES)
@given(st.data())
def test_a_spoiled_package_is_an_error_of_ours(ending: str, data: st.DataObject) -> None:
    package = data.draw(spoiled(PACKAGES[ending]))
    with harmless():
        for _, content in deb.members(io.BytesIO(package)):
            if content is not None:
                content.read()


@given(listings)
def test_no_name_in_a_package_leaves_the_image(found: list[tarfile.TarInfo]) -> None:
    out = io.BytesIO()
    archive = archived(found)
    with harmless():
        writer = cpio.Writer(out)
        cpio.add_tar(writer, deb.members(io.BytesIO(fakes_debian.deb(archive, ""))), wanted)
        writer.trailer()
        for one in cpio_reader.read(out.getvalue()):
            assert not one.name.startswith("/")
            assert ".." not in one.name.split("/")


@given(names)
def test_a_clean_name_stays_where_it_is_put(name: str) -> None:
    with harmless():
        found = os.path.normpath(f"/top/{cpio.clean(name)}")
        assert f"{found}/".startswith("/top/")


@given(names)
def test_a_package_of_qemus_writes_to_three_directories(name: str) -> None:
    found = brought.place(name, brought.Kind("x86_64", "x86_64"))
    assert found is None or found.split("/")[0] in ("bin", "lib", "share")
    assert found is None or (found.count("/") == 1 and not found.endswith(("/.", "/..")))


@given(listings)
def test_a_tree_from_a_guest_stays_below_its_place(found: list[tarfile.TarInfo]) -> None:
    unpacked_harmlessly(archived(found))


def test_a_link_is_not_used_to_open_a_directory_to_all() -> None:
    """A link that leads out, and then a directory of its name that everybody may write to."""
    unpacked_harmlessly(
        archived(
            [
                entry("out", tarfile.SYMTYPE, linkname=".."),
                entry("out", tarfile.DIRTYPE, mode=0o777),
            ]
        )
    )
    unpacked_harmlessly(
        archived(
            [
                entry(".", tarfile.SYMTYPE, linkname="."),
                entry("/escape", tarfile.LNKTYPE, linkname="/escape"),
            ]
        )
    )


def test_a_link_that_cannot_be_made_is_no_copy_instead() -> None:
    """tarfile would put the member of that name there, of whatever kind and mode it is."""
    for kind in (tarfile.DIRTYPE, tarfile.FIFOTYPE):
        unpacked_harmlessly(
            archived(
                [
                    entry("link", tarfile.SYMTYPE, linkname="a" * 5000),
                    entry("a" * 5000, kind, mode=0o4755),
                ]
            )
        )


@given(spoiled(TAR))
def test_a_spoiled_tree_from_a_guest(archive: bytes) -> None:
    unpacked_harmlessly(archive)


@pytest.mark.parametrize("name", EVIL_NAMES[:6])
def test_a_link_leads_nothing_elsewhere(name: str) -> None:
    """A link that leads out, then a file through it."""
    archive = fakes_debian.tar(
        [
            (entry("out", tarfile.SYMTYPE, linkname=".."), b""),
            (entry("out/escape"), b"x"),
            (entry(name), b"x"),
        ]
    )
    unpacked_harmlessly(archive)


def unpacked_harmlessly(archive: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="b2p-") as above:
        top = Path(above) / "top"
        beside = Path(above) / "beside"
        beside.write_text("mine")
        Path(above).chmod(0o700)
        with harmless():
            trees.unpack(io.BytesIO(archive), top, lambda *_: None)
        assert sorted(path.name for path in Path(above).iterdir()) in (
            ["beside", "top"],
            ["beside"],
        )
        assert beside.read_text() == "mine"
        assert Path(above).stat().st_mode & 0o777 == 0o700
        for path in every(top):
            assert path.is_symlink() or not path.lstat().st_mode & 0o7000
            assert path.is_symlink() or path.is_file() or path.is_dir()


def every(top: Path) -> Iterator[Path]:
    """All below, each folder opened to us once it has been looked at."""
    if not top.is_dir():
        return
    top.chmod(0o700)
    for path in top.iterdir():
        yield path
        if not path.is_symlink() and path.is_dir():
            yield from every(path)


def packed(how: unpack.Packing) -> bytes:
    """A small packed image."""
    import bz2
    import gzip

    import zstandard

    plain = b"image" * 1000
    match how:
        case "xz":
            return lzma.compress(plain)
        case "gz":
            return gzip.compress(plain)
        case "bz2":
            return bz2.compress(plain)
        case "zst":
            return zstandard.compress(plain)


HOWS: tuple[unpack.Packing, ...] = ("xz", "gz", "bz2", "zst")


@pytest.mark.parametrize("how", HOWS)
@given(st.data())
def test_a_spoiled_packed_image(how: unpack.Packing, data: st.DataObject) -> None:
    content = data.draw(spoiled(packed(how)))
    with tempfile.TemporaryDirectory(prefix="b2p-") as above, harmless():
        source, target = Path(above) / "packed", Path(above) / "plain"
        source.write_bytes(content)
        with SilentReport().task("unpacking", "bytes") as task:
            unpack.unpack(source, target, how, task)


@given(spoiled(lzma.compress(b"\0depends=a,b\0softdep=pre: c post: d\0")))
def test_a_spoiled_kernel_module(content: bytes) -> None:
    with harmless():
        plain = modules.plain_module("x.ko.xz", content)
        modules.needs(plain)


@given(st.binary(max_size=200).map(lambda noise: b"\0depends=" + noise))
@example(b"\0depends=a\0depends=a,b\0")
def test_what_a_module_needs_may_be_anything(content: bytes) -> None:
    with harmless():
        modules.load_order(["a"], {"a": content, "b": b"\0depends=a\0"})
