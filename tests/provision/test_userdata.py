"""The format-me disk, read as guests read it: the window's bytes, unpacked by tar."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p import families
from b2p.errors import UsageError
from b2p.families.model import UserdataDisk
from b2p.provision.told import Told
from b2p.provision.userdata import disk_start, longest
from tests.provision.examples import KEY, PLAIN

if TYPE_CHECKING:
    from pathlib import Path

DISK = UserdataDisk(magic="boot2podman, please format-me")


def told_of_length(size: int) -> Told:
    """Whose file of keys has so many bytes, with its end of line."""
    start = "ssh-rsa "
    return Told(name="work", instance="one", keys=(start + "A" * (size - len(start) - 1),))


def entries(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmembers()


def test_the_guest_finds_the_magic_at_byte_0_and_the_entries_in_order() -> None:
    data = disk_start(DISK, PLAIN)
    assert data.startswith(b"boot2podman, please format-me\0")
    assert [(entry.name, entry.mode, entry.isdir()) for entry in entries(data)] == [
        ("boot2podman, please format-me", 0o644, False),
        (".ssh", 0o700, True),
        (".ssh/authorized_keys", 0o644, False),
        (".ssh/authorized_keys2", 0o644, False),
    ]
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for name in (".ssh/authorized_keys", ".ssh/authorized_keys2"):
            file = archive.extractfile(name)
            assert file
            assert file.read() == f"{KEY}\n".encode()


@pytest.mark.parametrize(
    ("size", "copies"), [(80, 2), (512, 2), (513, 1), (740, 1), (2048, 1), (2049, 0)]
)
def test_a_long_key_is_written_once_and_one_too_long_is_refused(size: int, copies: int) -> None:
    told = told_of_length(size)
    if not copies:
        with pytest.raises(UsageError, match=r"no more than 2048") as raised:
            disk_start(DISK, told)
        assert "ed25519" in raised.value.hint
        return
    found = entries(disk_start(DISK, told))
    assert len(found) == 2 + copies
    assert all(entry.size == size for entry in found[2:])


def test_the_limits_are_those_of_the_window() -> None:
    assert (longest(DISK, 2), longest(DISK, 1)) == (512, 2048)
    assert longest(replace(DISK, window=8192), 2) == 2560


@given(st.integers(30, 2048))
def test_all_lies_within_the_window(size: int) -> None:
    data = disk_start(DISK, told_of_length(size))
    assert len(data) == 4096


@pytest.mark.skipif(not shutil.which("tar"), reason="needs tar")
@pytest.mark.parametrize("size", [80, 512, 740, 2048])
def test_a_real_tar_unpacks_what_the_guest_saved(size: int, tmp_path: Path) -> None:
    told = told_of_length(size)
    saved = disk_start(DISK, told)[:4096]
    ran = subprocess.run(["tar", "xf", "-"], input=saved, cwd=tmp_path, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / ".ssh/authorized_keys").read_text() == told.authorized_keys
    assert (tmp_path / ".ssh").stat().st_mode & 0o777 == 0o700


def test_every_family_that_takes_one_has_its_own_magic() -> None:
    disks = {
        family.name: family.provisioner.magic
        for family in families.KNOWN
        if isinstance(family.provisioner, UserdataDisk)
    }
    assert {name for name, magic in disks.items() if magic.startswith("boot2podman")} == {
        "boot2podman",
        "boot2podman-fedora",
    }
    assert {"boot2docker", "minikube", "minishift-centos7", "minishift-b2d"} < set(disks)
