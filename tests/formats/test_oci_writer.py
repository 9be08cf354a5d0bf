"""The archive of a container image, blob by blob."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest

from b2p.formats import oci_writer

DISK = b"disk" * 1000 + b"!"


def written(disk: bytes = DISK) -> tuple[str, bytes]:
    out = io.BytesIO()
    digest = oci_writer.write(
        io.BytesIO(disk),
        len(disk),
        out,
        name="b2p.qcow2",
        architecture="amd64",
        reference="registry.example/b2p:1",
        created="2025-08-09T00:00:00Z",
    )
    return digest, out.getvalue()


def test_every_digest_and_size_is_that_of_its_blob() -> None:
    digest, archive = written()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {one.name: tar.extractfile(one).read() for one in tar if one.isreg()}  # type: ignore[union-attr]
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (listed,) = json.loads(files["index.json"])["manifests"]
    assert listed["digest"] == digest
    assert listed["annotations"] == {"org.opencontainers.image.ref.name": "registry.example/b2p:1"}
    manifest = json.loads(files[f"blobs/sha256/{digest[7:]}"])
    for told in (listed, manifest["config"], *manifest["layers"]):
        blob = files[f"blobs/sha256/{told['digest'][7:]}"]
        assert f"sha256:{hashlib.sha256(blob).hexdigest()}" == told["digest"]
        assert len(blob) == told["size"]
    config = json.loads(files[f"blobs/sha256/{manifest['config']['digest'][7:]}"])
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    assert (config["architecture"], config["os"]) == ("amd64", "linux")


def test_the_disk_lies_where_kubevirt_looks_and_is_qemus() -> None:
    _, archive = written()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        largest = max(tar.getmembers(), key=lambda one: one.size)
        layer = tar.extractfile(largest).read()  # type: ignore[union-attr]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        folder, disk = tar.getmembers()
        assert tar.extractfile(disk).read() == DISK  # type: ignore[union-attr]
    assert (folder.name, folder.isdir()) == ("disk", True)
    assert (disk.name, disk.uid, disk.gid, disk.mode) == ("disk/b2p.qcow2", 107, 107, 0o440)


def test_the_same_disk_makes_the_same_bytes() -> None:
    assert written() == written()


def test_a_disk_that_ends_too_early_is_no_image() -> None:
    with pytest.raises(ValueError, match="shorter"):
        oci_writer.write(
            io.BytesIO(b"x"), 9, io.BytesIO(),
            name="a", architecture="amd64", reference="r", created="",
        )  # fmt: skip
