"""UEFI out of packages of a few bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from b2p.errors import DownloadError, HostError
from b2p.host import uefi
from tests.fakes_debian import entry
from tests.fakes_host import FakeArchive, package_file

if TYPE_CHECKING:
    from pathlib import Path

OVMF = package_file(
    (entry("./usr/share/OVMF/OVMF_CODE_4M.fd"), b"code"),
    (entry("./usr/share/OVMF/OVMF_CODE_4M.secboot.fd"), b"another"),
    (entry("./usr/share/OVMF/OVMF_VARS_4M.fd"), b"variables"),
)


def archive(folder: Path, contents: dict[str, bytes]) -> Any:
    return FakeArchive(folder, contents)


def test_the_code_and_the_variables_are_unpacked_once(tmp_path: Path) -> None:
    debs = archive(tmp_path, {"ovmf": OVMF})
    found = uefi.bring(debs, "x86_64", tmp_path / "cache" / "uefi")
    assert (found.code.read_bytes(), found.variables.read_bytes()) == (b"code", b"variables")
    debs.offline = True
    assert uefi.bring(debs, "x86_64", tmp_path / "cache" / "uefi") == found
    assert debs.fetched == ["ovmf"]
    assert [one.name for one in (tmp_path / "cache/uefi").iterdir()] == [found.code.parent.name]


def test_each_architecture_has_its_own(tmp_path: Path) -> None:
    debs = archive(tmp_path, {"ovmf": OVMF})
    uefi.bring(debs, "x86_64", tmp_path / "uefi")
    assert uefi.existing("aarch64", tmp_path / "uefi") is None
    with pytest.raises(DownloadError, match="qemu-efi-aarch64"):
        uefi.bring(debs, "aarch64", tmp_path / "uefi")


def test_a_package_without_the_file_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    debs = archive(tmp_path, {"ovmf": package_file((entry("./usr/share/OVMF/new.fd"), b"x"))})
    with pytest.raises(HostError, match="OVMF_CODE_4M"):
        uefi.bring(debs, "x86_64", tmp_path / "uefi")
    assert not list((tmp_path / "uefi").iterdir())
