"""Digests that are computed once, and signatures."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from b2p.errors import TamperedError, UsageError
from b2p.image import proof
from tests.fakes_debian import ListeningReport, signing_key

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = bytes(range(256)) * 9000


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(CONTENT)
    return path


def test_a_digest_is_computed_once_while_the_file_stays(tmp_path: Path, image: Path) -> None:
    report = ListeningReport()
    for _ in range(2):
        assert proof.Digests(tmp_path / "m/v.json", report).of(image) == (
            hashlib.sha256(CONTENT).hexdigest()
        )
    digests = proof.Digests(tmp_path / "m/v.json", report)
    assert digests.of(image, "sha512") == hashlib.sha512(CONTENT).hexdigest()
    digests.of(image, "sha256")
    digests.of(image, "sha512")
    assert [task.done for task in report.tasks] == [len(CONTENT)] * 2


def test_a_file_that_changed_is_read_again(tmp_path: Path, image: Path) -> None:
    digests = proof.Digests(tmp_path / "v.json", ListeningReport())
    first = digests.of(image)
    times = image.stat()
    image.write_bytes(CONTENT[::-1])
    os.utime(image, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert digests.of(image) == hashlib.sha256(CONTENT[::-1]).hexdigest() != first


def test_another_file_of_the_same_size_and_time_is_read_again(tmp_path: Path, image: Path) -> None:
    digests = proof.Digests(tmp_path / "v.json", ListeningReport())
    digests.of(image)
    times = image.stat()
    other = tmp_path / "other"
    other.write_bytes(CONTENT[::-1])
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(image)
    assert digests.of(image) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("rubbish", [b"", b"[]", b'{"x": 1', b"\xff"])
def test_a_broken_memory_is_only_forgotten(tmp_path: Path, image: Path, rubbish: bytes) -> None:
    (tmp_path / "v.json").write_bytes(rubbish)
    digest = proof.Digests(tmp_path / "v.json", ListeningReport()).of(image)
    assert digest == hashlib.sha256(CONTENT).hexdigest()


def test_a_memory_that_cannot_be_written_costs_only_time(tmp_path: Path, image: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    digests = proof.Digests(tmp_path / "file" / "v.json", ListeningReport())
    assert digests.of(image) == hashlib.sha256(CONTENT).hexdigest()


def test_a_wrong_digest_names_the_file() -> None:
    proof.check_digest("a.iso", ("sha256", "AB"), lambda _: "ab")
    with pytest.raises(TamperedError, match=r"'a\.iso' .* its sha256 is cd"):
        proof.check_digest("a.iso", ("sha256", "ab"), lambda _: "cd")
    with pytest.raises(UsageError, match="crc99"):
        proof.check_digest("a.iso", ("crc99", "ab"), lambda _: "ab")


def detached(key: Any, content: bytes) -> bytes:
    import pysequoia

    mode = pysequoia.SignatureMode.DETACHED
    signature: bytes = pysequoia.sign(key.signer(), content, mode=mode)
    return signature


def test_signatures_of_the_right_key_alone_count(image: Path) -> None:
    key, other = signing_key(), signing_key()
    certificates = bytes(key.extract_certificate())
    proof.check_signature(image, detached(key, CONTENT), certificates, where="a")
    wrong = (
        (detached(other, CONTENT), certificates),
        (detached(key, CONTENT[1:]), certificates),
        (b"rubbish", certificates),
        (detached(key, CONTENT), b"rubbish"),
        (detached(key, CONTENT), b""),
    )
    for signature, keys in wrong:
        with pytest.raises(TamperedError, match=r"signature of 'a\.iso'") as caught:
            proof.check_signature(image, signature, keys, where="a.iso")
        assert "\n" not in caught.value.message
