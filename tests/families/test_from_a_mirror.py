"""`--image NAME` for every family: the right address, through a mirror, proven and recognised."""

from __future__ import annotations

import base64
import bz2
import hashlib
import json
import lzma
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from b2p import families
from b2p.choice import Chooser
from b2p.errors import DownloadError, TamperedError
from b2p.families import addresses
from b2p.families.model import InJson, InRedirect, InText, Marks
from tests.fakes_debian import served, signed, signing_key
from tests.families import skeletons
from tests.image.test_proof import detached
from tests.image.test_pull import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from b2p.families.model import Family, Source

ANSWERS: dict[str, Mapping[str, str]] = {
    "boot2podman": {"version": "v0.27"},
    "boot2podman-fedora": {"version": "v0.2"},
    "boot2docker": {"version": "v19.03.12"},
    "fedora-coreos": {"version": "44.20260707.3.1"},
    "flatcar": {"version": "4081.2.0"},
    "fedora": {"version": "43", "build": "1.6"},
}
"""What the publishers of those are asked for first; the others' addresses are fixed."""

EXPECTED = {
    "boot2podman": "/boot2podman/boot2podman/releases/download/v0.27/boot2podman.iso",
    "boot2podman-fedora": "/boot2podman/boot2podman-fedora-iso/releases/download/v0.2"
    "/boot2podman-fedora.iso",
    "fedora-coreos": "/prod/streams/stable/builds/44.20260707.3.1/x86_64"
    "/fedora-coreos-44.20260707.3.1-qemu.x86_64.qcow2.xz",
    "flatcar": "/amd64-usr/4081.2.0/flatcar_production_qemu_image.img",
    "container-linux": "/amd64-usr/current/coreos_production_qemu_image.img.bz2",
    "debian": "/images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2",
    "ubuntu": "/releases/24.04/release/ubuntu-24.04-server-cloudimg-amd64.img",
    "fedora": "/pub/fedora/linux/releases/43/Cloud/x86_64/images"
    "/Fedora-Cloud-Base-Generic-43-1.6.x86_64.qcow2",
    "minikube": "/minikube-builds/iso/23518/minikube-v1.38.0-1787403653-23518-amd64.iso",
    "boot2docker": "/boot2docker/boot2docker/releases/download/v19.03.12/boot2docker.iso",
    "minishift-centos7": "/minishift/minishift-centos-iso/releases/download/v1.17.0"
    "/minishift-centos7.iso",
    "minishift-b2d": "/minishift/minishift-b2d-iso/releases/download/v1.2.0/minishift-b2d.iso",
    "fedora-atomic": "/pub/alt/atomic/stable/Fedora-Atomic-29-20181025.1/AtomicHost/x86_64/images"
    "/Fedora-AtomicHost-29-20181025.1.x86_64.qcow2",
    "centos-atomic": "/centos/7/atomic/images/CentOS-Atomic-Host-7-GenericCloud.qcow2.xz",
}

IMAGES = [family for family in families.KNOWN if family.marks != Marks()]
"""Those with an image of their own; flatcar-podman boots flatcar's."""

every = pytest.mark.parametrize("family", IMAGES, ids=lambda family: family.name)
proven = pytest.mark.parametrize(
    "family",
    [one for one in IMAGES if one.sources["x86_64"].checksum or one.sources["x86_64"].signature],
    ids=lambda family: family.name,
)


@dataclass
class Publisher:
    """One family's publisher, on a server of ours at its own paths."""

    case: Case
    family: Family
    source: Source
    published: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.source.image).path

    def publish(self) -> None:
        files = self.case.site.files
        files[self.path] = self.published
        key = signing_key()
        source = self.source
        if source.checksum:
            text = self._checksums()
            if source.checksum_signature == "inline":
                text = signed(text, key).decode()
            files[urlsplit(source.checksum).path] = text.encode()
        if source.key:
            files[urlsplit(source.key).path] = bytes(key.extract_certificate())
        if source.signature:
            files[urlsplit(source.signature).path] = detached(key, self.published)
        self._answer()

    def _answer(self) -> None:
        latest, site = self.source.latest, self.case.site
        values = ANSWERS.get(self.family.name, {})
        where = urlsplit(addresses.question(latest)).path
        match latest:
            case InRedirect():
                target = where.replace("latest", f"tag/{values['version']}")
                site.redirects[where] = target
                site.files[target] = b"a page"
            case InText() if self.family.name == "flatcar":
                site.files[where] = f"FLATCAR_VERSION_ID={values['version']}\n".encode()
            case InText():
                site.files[where] = f".{self.path.removeprefix('/pub/fedora')}\n".encode()
            case InJson():
                pass  # the same document as the checksums

    def _checksums(self) -> str:
        name = self.path.rsplit("/", 1)[1]
        sha256 = hashlib.sha256(self.published).hexdigest()
        sha512 = hashlib.sha512(self.published)
        match self.source.checksum_format:
            case "lines":
                return f"SHA256 ({name}) = {sha256}\n"
            case "bare":
                return f"{sha256}\n"
            case "digests":
                return f"# SHA512 HASH\n{sha512.hexdigest()}  {name}\n"
            case "debian-json":
                digest = base64.b64encode(sha512.digest()).decode().rstrip("=")
                found = {"cloud.debian.org/digest": f"sha512:{digest}"}
                return json.dumps({"items": [{"metadata": {"annotations": found}}]})
            case "stream-json":
                disk = {"location": self.source.image, "sha256": sha256}
                qemu = {
                    "release": ANSWERS[self.family.name]["version"],
                    "formats": {"qcow2.xz": {"disk": disk}},
                }
                return json.dumps({"architectures": {"x86_64": {"artifacts": {"qemu": qemu}}}})


def _packed(plain: bytes, how: str) -> bytes:
    if how == "xz":
        return lzma.compress(plain)
    return bz2.compress(plain) if how == "bz2" else plain


@pytest.fixture
def publisher(family: Family, tmp_path: Path) -> Iterator[Publisher]:
    source = addresses.source_for(family, "x86_64")
    values = ANSWERS.get(family.name) or addresses.answered(source.latest)
    plain = skeletons.image(family.name, tmp_path)
    packed = _packed(plain, source.packing)
    with served() as site:
        case = Case(site, tmp_path)
        made = Publisher(case, family, addresses.filled(source, values), packed)
        made.publish()
        yield made
        case.fetcher.close()


def chooser(publisher: Publisher) -> Chooser:
    case = publisher.case
    return Chooser(case.puller(case.site.address), case.media, "x86_64", case.report)


@every
def test_a_name_is_fetched_from_the_familys_own_path_and_proven(publisher: Publisher) -> None:
    case, family = publisher.case, publisher.family
    chosen = chooser(publisher).wished(family.name)
    assert chosen.family is family
    assert publisher.path == EXPECTED[family.name]
    assert EXPECTED[family.name] in case.site.paths()
    assert chosen.digest == hashlib.sha256(publisher.published).hexdigest()
    assert case.report.warnings == []
    # Once it is there, only what is small is asked for.
    chooser(publisher).wished(family.name)
    assert case.site.paths().count(publisher.path) == 1


@every
def test_its_image_is_recognised_whatever_it_is_called(publisher: Publisher) -> None:
    case = publisher.case
    case.site.files["/somewhere/something"] = publisher.published
    chosen = chooser(publisher).wished(f"{case.site.address}/somewhere/something")
    assert chosen.family is publisher.family


@every
def test_without_a_network_the_image_of_last_time_comes_up(publisher: Publisher) -> None:
    case = publisher.case
    before = chooser(publisher).wished(publisher.family.name)
    case.site.files.clear()
    case.site.redirects.clear()
    assert chooser(publisher).wished(publisher.family.name).path == before.path


@proven
def test_one_that_was_tampered_with_is_refused(publisher: Publisher) -> None:
    case = publisher.case
    spoiled = bytearray(publisher.published)
    spoiled[-1] ^= 1
    case.site.files[publisher.path] = bytes(spoiled)
    with pytest.raises(TamperedError):
        chooser(publisher).wished(publisher.family.name)
    assert not case.left()


@pytest.mark.parametrize("family", [families.by_name("minikube")], ids=["minikube"])
def test_an_image_that_moved_is_fetched_from_the_other_address(publisher: Publisher) -> None:
    site = publisher.case.site
    other = urlsplit(publisher.source.mirrors[0]).path
    site.files[other] = site.files.pop(publisher.path)
    assert chooser(publisher).wished("minikube").digest
    assert other in site.paths()


@pytest.mark.parametrize(
    "family", [families.by_name("boot2podman-fedora")], ids=["boot2podman-fedora"]
)
def test_where_nobody_tells_a_release_the_address_without_one_serves(publisher: Publisher) -> None:
    site = publisher.case.site
    site.redirects.clear()
    with pytest.raises(DownloadError):
        chooser(publisher).wished("boot2podman-fedora")
    site.files[urlsplit(publisher.source.mirrors[0]).path] = publisher.published
    assert chooser(publisher).wished("boot2podman-fedora").digest
