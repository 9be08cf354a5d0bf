"""Debian packages: whole, cut off, hostile."""

from __future__ import annotations

import contextlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2p.errors import TamperedError
from b2p.formats import ar, deb
from tests import fakes_debian
from tests.fakes_debian import entry

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = [
    (entry("./", tarfile.DIRTYPE), b""),
    (entry("./usr/bin/x", mode=0o755), b"program" * 1000),
    (entry("./usr/bin/y", tarfile.SYMTYPE, linkname="x"), b""),
]
TAR = fakes_debian.tar(ENTRIES)


def read(package: bytes, **options: int) -> dict[str, bytes | None]:
    members = deb.members(io.BytesIO(package), **options)  # type: ignore[arg-type]
    return {info.name: data.read() if data else None for info, data in members}


@pytest.mark.parametrize("ending", [".xz", ".zst", ".gz", ""])
def test_a_package_is_read_however_it_is_packed(ending: str) -> None:
    files = read(fakes_debian.deb(TAR, ending))
    assert files == {".": None, "./usr/bin/x": b"program" * 1000, "./usr/bin/y": None}


def test_a_package_is_read_from_a_path(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_bytes(fakes_debian.deb(TAR))
    assert [info.name for info, _ in deb.members(tmp_path / "x.deb")] == [
        ".", "./usr/bin/x", "./usr/bin/y",
    ]  # fmt: skip


@pytest.mark.parametrize("ending", [".xz", ".zst", ".gz", ""])
@pytest.mark.parametrize("left", [4, 30, 68, 100, 200, -2, -60])
def test_a_package_cut_off_anywhere_is_an_error(ending: str, left: int) -> None:
    with pytest.raises(TamperedError):
        read(fakes_debian.deb(TAR, ending)[:left])


@pytest.mark.parametrize("ending", [".xz", ".zst", ".gz"])
def test_a_package_with_spoiled_data_is_an_error(ending: str) -> None:
    package = bytearray(fakes_debian.deb(TAR, ending))
    start = package.index(b"`\n", package.index(b"data.tar")) + 2
    package[start + 20 : start + 60] = bytes(40)
    with pytest.raises(TamperedError, match="broken Debian package"):
        read(bytes(package))


def test_what_is_no_package_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "page.deb").write_bytes(b"<html>please log in</html>")
    with pytest.raises(TamperedError, match=r"page\.deb.*not a Debian package"):
        list(deb.members(tmp_path / "page.deb"))


def test_an_archive_of_something_else_is_not_a_package() -> None:
    with pytest.raises(TamperedError, match="debian-binary"):
        read(fakes_debian.ar([("object.o", b"")]))
    with pytest.raises(TamperedError, match=r"no data\.tar"):
        read(fakes_debian.ar([("debian-binary", b"2.0\n")]))
    with pytest.raises(TamperedError, match=r"\.lzma.*not known"):
        read(fakes_debian.deb(TAR, ".lzma"))


def test_a_package_that_unpacks_without_end_is_stopped() -> None:
    bomb = fakes_debian.deb(fakes_debian.tar([(entry("./zeros"), bytes(4 << 20))]))
    assert len(bomb) < 10000
    with pytest.raises(TamperedError, match="more than is sane"):
        read(bomb, limit=1 << 20)


def test_the_control_part_can_be_read_as_well() -> None:
    assert list(deb.members(io.BytesIO(fakes_debian.deb(TAR)), part="control")) == []


@settings(deadline=None)  # other work on the computer may be slow
@given(st.lists(st.tuples(st.from_regex(r"[a-z./-]{1,14}[a-z]", fullmatch=True), st.binary())))
def test_ar_members_are_found_where_they_lie(members: list[tuple[str, bytes]]) -> None:
    packed = fakes_debian.ar(members)
    found = [
        (member.name, packed[member.offset : member.offset + member.size])
        for member in ar.members(io.BytesIO(packed))
    ]
    assert found == members


@settings(deadline=None)  # other work on the computer may be slow
@given(st.binary(max_size=200))
def test_ar_never_fails_but_with_an_error_of_ours(junk: bytes) -> None:
    found = []
    with contextlib.suppress(TamperedError):
        found = list(ar.members(io.BytesIO(b"!<arch>\n" + junk)))
    assert sum(member.size for member in found) <= len(junk)
