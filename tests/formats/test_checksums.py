"""Checksum files of all publishers, written here by other means than they are read."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.errors import DownloadError
from b2p.formats import checksums
from b2p.formats.checksums import Checksum

if TYPE_CHECKING:
    from pathlib import Path

BODY = b"an image"
SHA256 = hashlib.sha256(BODY).hexdigest()
SHA512 = hashlib.sha512(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()
SHA1 = hashlib.sha1(BODY).hexdigest()
OTHER = hashlib.sha256(b"another").hexdigest()
NAME = "noble-server-cloudimg-amd64.img"


@pytest.mark.parametrize(
    "line",
    [
        f"{SHA256}  {NAME}",
        f"{SHA256} *{NAME}",
        f"{SHA256}  ./{NAME}",
        f"{SHA256.upper()}  {NAME}\r",
        f"SHA256 ({NAME}) = {SHA256}",
        f"SHA256({NAME})= {SHA256}",
    ],
)
def test_a_line_of_any_program_is_read(line: str) -> None:
    text = f"# comment: 42 bytes\n{OTHER} *other-{NAME}\n{line}\n{OTHER}  {NAME}.manifest\n"
    assert checksums.find(text, NAME, "lines") == Checksum("sha256", SHA256)


@pytest.mark.skipif(not shutil.which("sha512sum"), reason="needs coreutils")
@pytest.mark.parametrize("options", [[], ["--tag"], ["--binary"]])
def test_what_the_real_program_writes_is_read(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "a b.qcow2").write_bytes(BODY)
    ran = subprocess.run(
        ["sha512sum", *options, "a b.qcow2"], cwd=tmp_path, capture_output=True, text=True
    )
    assert checksums.find(ran.stdout, "a b.qcow2", "lines") == Checksum("sha512", SHA512)


@pytest.mark.parametrize("text", [SHA256, f"{SHA256}\n", f"  {SHA256}\r\n", f"{SHA256}  {NAME}\n"])
def test_a_bare_digest_is_the_files(text: str) -> None:
    assert checksums.find(text, NAME, "bare") == Checksum("sha256", SHA256)


def test_sections_name_the_algorithm_and_the_strongest_is_taken() -> None:
    text = (
        f"# MD5 HASH\n{MD5}  flatcar.img\n# SHA1 HASH\n{SHA1}  flatcar.img\n"
        f"# SHA512 HASH\n{SHA512}  flatcar.img\n"
    )
    assert checksums.find(text, "flatcar.img", "digests") == Checksum("sha512", SHA512)


def test_weak_sums_alone_prove_nothing() -> None:
    text = f"# MD5 HASH\n{MD5}  flatcar.img\n# SHA1 HASH\n{SHA1}  flatcar.img\n"
    with pytest.raises(DownloadError, match="only md5, sha1"):
        checksums.find(text, "flatcar.img", "digests")


def upload(ref: str, body: bytes) -> dict[str, object]:
    digest = base64.b64encode(hashlib.sha512(body).digest()).decode().rstrip("=")
    return {
        "kind": "Upload",
        "data": {"provider": "cloud.debian.org", "ref": ref},
        "metadata": {"annotations": {"cloud.debian.org/digest": f"sha512:{digest}"}},
    }


@pytest.mark.parametrize("stamp", ["", "-20260914-2601"])
def test_debians_document_tells_the_digest_of_the_right_file(stamp: str) -> None:
    stem = "trixie/20260914-2601/debian-13-genericcloud-amd64-20260914-2601"
    items = [{"kind": "Build", "data": {"info": {}}}, upload(f"{stem}.raw", b"raw")]
    text = json.dumps({"kind": "List", "items": [*items, upload(f"{stem}.qcow2", BODY)]})
    name = f"debian-13-genericcloud-amd64{stamp}.qcow2"
    assert checksums.find(text, name, "debian-json") == Checksum("sha512", SHA512)
    with pytest.raises(DownloadError):
        checksums.find(text, "debian-13-generic-amd64.qcow2", "debian-json")


def test_a_stream_tells_the_packed_and_the_unpacked_digest() -> None:
    disk = {
        "location": "https://builds.example/fedora-coreos-44.1-qemu.x86_64.qcow2.xz",
        "signature": "https://builds.example/fedora-coreos-44.1-qemu.x86_64.qcow2.xz.sig",
        "sha256": SHA256,
        "uncompressed-sha256": OTHER,
    }
    formats = {"formats": {"qcow2.xz": {"disk": disk}}}
    text = json.dumps({"architectures": {"x86_64": {"artifacts": {"qemu": formats}}}})
    name = "fedora-coreos-44.1-qemu.x86_64.qcow2.xz"
    assert checksums.find(text, name, "stream-json") == Checksum("sha256", SHA256)
    assert checksums.uncompressed(text, name) == Checksum("sha256", OTHER)
    assert checksums.uncompressed(text, "another.qcow2.xz") is None


def signed(body: str) -> str:
    return (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
        f"{body}-----BEGIN PGP SIGNATURE-----\n\niQIz\n-----END PGP SIGNATURE-----\n"
    )


def test_a_signature_around_is_taken_off() -> None:
    text = signed(f"# Fedora: 1 byte\nSHA256 ({NAME}) = {SHA256}\n- - - a line of dashes\n")
    assert checksums.find(text, NAME, "lines") == Checksum("sha256", SHA256)


def test_what_the_signature_does_not_cover_does_not_count() -> None:
    around = f"{OTHER}  {NAME}\n"
    text = around + signed(f"{SHA256}  {NAME}\n") + around
    assert checksums.find(text, NAME, "lines") == Checksum("sha256", SHA256)
    with pytest.raises(DownloadError):
        checksums.find(signed("nothing\n") + around, NAME, "lines")


def test_two_answers_are_none() -> None:
    with pytest.raises(DownloadError, match="two different"):
        checksums.find(f"{SHA256}  {NAME}\n{OTHER}  {NAME}\n", NAME, "lines")


@pytest.mark.parametrize("form", ["lines", "bare", "digests", "debian-json", "stream-json"])
@pytest.mark.parametrize("text", ["", "{}", "[[[", "null", f"{SHA256[:-1]}  {NAME}", f"zz  {NAME}"])
def test_a_file_that_says_nothing_is_said(form: str, text: str) -> None:
    with pytest.raises(DownloadError, match="nothing for"):
        checksums.find(text, NAME, form)


def test_a_web_page_in_its_place_is_called_one() -> None:
    with pytest.raises(DownloadError, match="it is a web page"):
        checksums.find("<!DOCTYPE html><p>Sorry</p>", NAME, "bare")


def test_a_digest_of_another_length_than_it_says_is_not_taken() -> None:
    with pytest.raises(DownloadError):
        checksums.find(f"SHA512 ({NAME}) = {SHA256}\n", NAME, "lines")


@given(
    st.text(max_size=300),
    st.sampled_from(["lines", "bare", "digests", "debian-json", "stream-json"]),
)
def test_no_text_breaks_a_reader(text: str, form: str) -> None:
    with contextlib.suppress(DownloadError):
        assert checksums.find(text, NAME, form).hex
