"""The newest release out of what servers answer, and the addresses that follow."""

from __future__ import annotations

import json

import pytest

from b2p import families
from b2p.errors import DownloadError, UsageError
from b2p.families import addresses


def test_a_redirect_names_the_release() -> None:
    source = addresses.source_for(families.by_name("boot2podman"), "x86_64")
    where = addresses.question(source.latest)
    assert where == "https://github.com/boot2podman/boot2podman/releases/latest"
    values = addresses.answered(source.latest, url=where.replace("latest", "tag/v0.27"))
    assert addresses.filled(source, values).image == (
        "https://github.com/boot2podman/boot2podman/releases/download/v0.27/boot2podman.iso"
    )


def test_a_text_names_the_release() -> None:
    source = addresses.source_for(families.by_name("flatcar"), "aarch64")
    text = "FLATCAR_BUILD=3815\nFLATCAR_VERSION=3815.2.0\nFLATCAR_VERSION_ID=3815.2.0\n"
    done = addresses.filled(source, addresses.answered(source.latest, text=text))
    assert done.checksum == (
        "https://stable.release.flatcar-linux.net/arm64-usr/3815.2.0"
        "/flatcar_production_qemu_image.img.DIGESTS"
    )


def test_of_many_releases_the_highest_number_wins() -> None:
    source = addresses.source_for(families.by_name("fedora"), "x86_64")
    stem = "./linux/releases/{0}/Cloud/x86_64/images/Fedora-Cloud-Base-Generic-{0}-{1}.x86_64.qcow2"
    text = "\n".join(
        stem.format(*release) for release in (("9", "9.9"), ("43", "1.6"), ("42", "1.1"))
    )
    values = addresses.answered(source.latest, text=text)
    assert values == {"version": "43", "build": "1.6"}


def test_a_json_document_names_the_release() -> None:
    source = addresses.source_for(families.by_name("fcos"), "x86_64")
    document = {
        "architectures": {"x86_64": {"artifacts": {"qemu": {"release": "44.20260707.3.1"}}}}
    }
    done = addresses.filled(source, addresses.answered(source.latest, text=json.dumps(document)))
    assert done.image == (
        "https://builds.coreos.fedoraproject.org/prod/streams/stable/builds/44.20260707.3.1"
        "/x86_64/fedora-coreos-44.20260707.3.1-qemu.x86_64.qcow2.xz"
    )
    assert done.signature == f"{done.image}.sig"


@pytest.mark.parametrize("name", ["debian", "ubuntu", "minikube", "minishift", "container-linux"])
def test_some_need_not_ask(name: str) -> None:
    source = addresses.source_for(families.by_name(name), "x86_64")
    assert not addresses.question(source.latest)
    assert "{" not in addresses.filled(source, addresses.answered(source.latest)).image


@pytest.mark.parametrize("text", ["<html>maintenance</html>", "", "[]", '{"architectures": 7}'])
def test_an_answer_without_a_release_is_said(text: str) -> None:
    source = addresses.source_for(families.by_name("fcos"), "x86_64")
    with pytest.raises(DownloadError, match="does not tell the newest release"):
        addresses.answered(source.latest, text=text)


@pytest.mark.parametrize("release", ["../../x", "44/..", "", 44, "a b", None])
def test_a_release_that_would_lead_elsewhere_is_refused(release: object) -> None:
    source = addresses.source_for(families.by_name("fcos"), "x86_64")
    document = {"architectures": {"x86_64": {"artifacts": {"qemu": {"release": release}}}}}
    with pytest.raises(DownloadError):
        addresses.answered(source.latest, text=json.dumps(document))


def test_an_architecture_without_an_image_is_said_with_those_that_have_one() -> None:
    with pytest.raises(UsageError) as raised:
        addresses.source_for(families.by_name("boot2docker"), "aarch64")
    assert "x86_64" in raised.value.hint
