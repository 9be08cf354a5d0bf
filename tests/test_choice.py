"""What people type after --image, against a server with images and checksums."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p.choice import Chooser
from b2p.errors import StateError, TamperedError, UsageError
from b2p.store.record import Record
from tests import fakes_iso
from tests.fakes_debian import served
from tests.image.test_pull import DIGEST, DISK, Case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RELEASE = "/boot2podman/boot2podman/releases/download/v0.27/boot2podman.iso"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with served() as site:
        made = Case(site, tmp_path)
        yield made
        made.fetcher.close()


def chooser(case: Case) -> Chooser:
    return Chooser(case.puller(case.site.address), case.media, "x86_64", case.report)


def tiny(root: Path) -> bytes:
    files = {
        "/boot/vmlinuz64": fakes_iso.X86_KERNEL,
        "/boot/corepure64.gz": b"one",
        "/boot/boot2podman.gz": b"two",
        "/boot/isolinux/isolinux.bin": b"loader",
        "/boot/isolinux/isolinux.cfg": fakes_iso.MENU,
    }
    return fakes_iso.iso(root / "tiny.iso", files, label="Boot2Podman-v0.27").read_bytes()


def test_a_familys_name_is_fetched_from_the_mirror_at_its_own_path(
    case: Case, tmp_path: Path
) -> None:
    case.site.files[RELEASE] = tiny(tmp_path)
    chosen = chooser(case).wished("boot2podman")
    assert chosen.family.name == "boot2podman"
    assert chosen.in_cache
    assert chosen.path.read_bytes() == case.site.files[RELEASE]


def test_a_release_that_nobody_tells_is_the_one_that_b2p_knows(case: Case, tmp_path: Path) -> None:
    case.site.files[RELEASE] = tiny(tmp_path)
    chooser(case).wished("boot2podman")
    assert any("version v0.27 is taken" in warning for warning in case.report.warnings)


def test_a_path_is_used_where_it_lies_and_its_family_is_seen_in_it(
    case: Case, tmp_path: Path
) -> None:
    path = tmp_path / "something.iso"
    path.write_bytes(tiny(tmp_path))
    chosen = chooser(case).wished(str(path))
    assert chosen.family.name == "boot2podman"
    assert (chosen.path, chosen.in_cache) == (path, False)


def test_an_address_is_recognised_by_what_it_holds(case: Case) -> None:
    chosen = chooser(case).wished(case.url)
    assert chosen.digest == DIGEST
    assert chooser(case).wished(DIGEST[:8]).path == chosen.path


def test_a_wrong_checksum_of_the_publishers_is_refused(case: Case) -> None:
    stem = "/releases/24.04/release"
    name = "ubuntu-24.04-server-cloudimg-amd64.img"
    wrong = hashlib.sha256(b"another").hexdigest()
    case.site.files |= {f"{stem}/{name}": DISK, f"{stem}/SHA256SUMS": f"{wrong} *{name}".encode()}
    with pytest.raises(TamperedError):
        chooser(case).wished("ubuntu")
    assert not case.left()


@pytest.mark.parametrize("word", ["boot2podmann", "nonsense", "zz"])
def test_a_word_that_means_nothing_is_told_what_there_is(case: Case, word: str) -> None:
    with pytest.raises(UsageError, match="no family of images") as caught:
        chooser(case).wished(word)
    assert caught.value.hint


def test_an_image_for_another_processor_is_refused(case: Case, tmp_path: Path) -> None:
    case.site.files[RELEASE] = tiny(tmp_path)
    other = replace(chooser(case), arch="aarch64")
    with pytest.raises(UsageError, match="nowhere to fetch"):
        other.wished("boot2podman")


def test_a_machine_keeps_its_image_though_there_is_a_newer_one(case: Case) -> None:
    digest = chooser(case).wished(case.url).digest
    case.site.files["/dir/disk.raw"] = b"newer"
    record = made(image=digest, family="debian")
    assert chooser(case).recorded(record).digest == digest


def test_a_machine_whose_image_is_gone_is_told_how_to_get_it(case: Case) -> None:
    with pytest.raises(StateError, match="is not in the cache") as caught:
        chooser(case).recorded(made(image="0" * 64, family="debian"))
    assert "b2p image pull debian" in caught.value.hint


def test_an_image_that_was_changed_in_place_is_not_booted(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(DISK)
    record = made(image="0" * 64, family="debian", image_path=str(path))
    with pytest.raises(StateError, match="was changed"):
        chooser(case).recorded(record)


def made(image: str, family: str, image_path: str = "") -> Record:
    return Record(
        name="m",
        uuid="u",
        image=image,
        cpus=1,
        memory_mib=1024,
        disk_bytes=1 << 30,
        family=family,
        image_path=image_path,
    )
