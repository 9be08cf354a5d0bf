"""Boot loaders out of packages of a few bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from b2p.errors import DownloadError, HostError, UsageError
from b2p.image import loaders
from tests.fakes_debian import entry
from tests.fakes_host import FakeArchive, package_file

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = {
    package: package_file(*((entry(f"./{path}"), name.encode()) for name, path in files.items()))
    for package, files in loaders._FILES["x86_64"].items()
}


def archive(folder: Path, contents: dict[str, bytes]) -> Any:
    return FakeArchive(folder, contents)


def test_they_are_unpacked_once(tmp_path: Path) -> None:
    debs = archive(tmp_path, PACKAGES)
    found = loaders.bring(debs, "x86_64", tmp_path / "loaders")
    for name in (loaders.ISOLINUX, loaders.MODULE, loaders.SHIM, loaders.GRUB):
        assert found.read(name) == name.encode()
    debs.offline = True
    assert loaders.bring(debs, "x86_64", tmp_path / "loaders") == found
    assert [one.name for one in (tmp_path / "loaders").iterdir()] == [found.home.name]


def test_a_package_without_the_file_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    other = package_file((entry("./usr/lib/shim/new.efi"), b"x"))
    debs = archive(tmp_path, {**PACKAGES, "shim-signed": other})
    with pytest.raises(HostError, match="shimx64"):
        loaders.bring(debs, "x86_64", tmp_path / "loaders")
    assert not list((tmp_path / "loaders").iterdir())


def test_a_package_that_is_gone_is_told(tmp_path: Path) -> None:
    packages = {name: deb for name, deb in PACKAGES.items() if name != "isolinux"}
    with pytest.raises(DownloadError, match="isolinux"):
        loaders.bring(archive(tmp_path, packages), "x86_64", tmp_path / "loaders")


def test_other_architectures_have_none_yet(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="aarch64 cannot be exported yet"):
        loaders.bring(archive(tmp_path, PACKAGES), "aarch64", tmp_path / "loaders")
