"""A container image with one file in one layer, as an archive of the OCI's image layout.

So disks travel through registries: KubeVirt's containerdisks have theirs in /disk, owned by 107.
Layout: OCI image specification 1.1. The same disk makes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "disk"
OWNER = 107
"""QEMU's user in KubeVirt's containers."""
_TYPES = "application/vnd.oci.image"
_BLOCK = 1 << 20


def write(
    disk: BinaryIO, size: int, out: BinaryIO, *, name: str, architecture: str, reference: str,
    created: str,
) -> str:  # fmt: skip
    """Write the archive of an image whose only file is /disk/`name`; returns its digest.

    `architecture` is Go's word (amd64), `created` RFC 3339's form, `reference` what a registry
    calls the image. The disk is read twice.
    """
    state, layer_size = hashlib.sha256(), 0
    for part in _layer(disk, size, name):
        state.update(part)
        layer_size += len(part)
    layer = f"sha256:{state.hexdigest()}"
    config = _json(
        architecture=architecture,
        os="linux",
        created=created,
        config={},
        rootfs={"type": "layers", "diff_ids": [layer]},
        history=[{"created": created, "created_by": "b2p image export"}],
    )
    manifest = _json(
        schemaVersion=2,
        mediaType=f"{_TYPES}.manifest.v1+json",
        config=_described(config, "config.v1+json"),
        layers=[
            {"mediaType": f"{_TYPES}.layer.v1.tar", "digest": layer, "size": layer_size},
        ],
    )
    listed = _described(manifest, "manifest.v1+json")
    listed["annotations"] = {"org.opencontainers.image.ref.name": reference}
    index = _json(schemaVersion=2, mediaType=f"{_TYPES}.index.v1+json", manifests=[listed])
    out.writelines(
        _header(path, len(content)) + content + _padding(len(content))
        for path, content in (
            ("oci-layout", _json(imageLayoutVersion="1.0.0")),
            ("index.json", index),
            *((f"blobs/sha256/{_hex(blob)}", blob) for blob in (config, manifest)),
        )
    )
    out.write(_header(f"blobs/sha256/{state.hexdigest()}", layer_size))
    for part in _layer(disk, size, name):
        out.write(part)
    out.write(_padding(layer_size) + bytes(2 * tarfile.BLOCKSIZE))
    return f"sha256:{_hex(manifest)}"


def _layer(disk: BinaryIO, size: int, name: str) -> Iterator[bytes]:
    yield _header(f"{FOLDER}/", 0, folder=True, owner=OWNER)
    yield _header(f"{FOLDER}/{name}", size, owner=OWNER, mode=0o440)
    disk.seek(0)
    left = size
    while left:
        block = disk.read(min(_BLOCK, left))
        if not block:
            raise ValueError("the disk is shorter than was said")
        left -= len(block)
        yield block
    yield _padding(size) + bytes(2 * tarfile.BLOCKSIZE)


def _header(
    path: str, size: int, *, folder: bool = False, owner: int = 0, mode: int = 0o644
) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size, entry.uid, entry.gid = size, owner, owner
    entry.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    entry.mode = 0o555 if folder else mode
    return entry.tobuf(format=tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _described(content: bytes, kind: str) -> dict[str, Any]:
    return {
        "mediaType": f"{_TYPES}.{kind}",
        "digest": f"sha256:{_hex(content)}",
        "size": len(content),
    }


def _hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(**values: Any) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()
