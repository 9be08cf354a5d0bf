"""Kernels' headers, each as small as it can be."""

from __future__ import annotations

import gzip
import struct

import pytest

from b2p.formats import kernel


def padded(**at: bytes) -> bytes:
    """A head with these bytes at these (hexadecimal) places: x202=b"HdrS"."""
    head = bytearray(4096)
    for place, raw in at.items():
        offset = int(place[1:], 16)
        head[offset : offset + len(raw)] = raw
    return bytes(head)


ARM64 = padded(x38=b"ARM\x64")


@pytest.mark.parametrize(
    ("head", "arch"),
    [
        (padded(x0=b"\x7fELF", x12=struct.pack("<H", 62)), "x86_64"),
        (padded(x0=b"\x7fELF", x12=struct.pack("<H", 183)), "aarch64"),
        (padded(x202=b"HdrS\x0f\x02", x236=b"\x3f"), "x86_64"),
        (padded(x202=b"HdrS\x0f\x02", x236=b"\x00"), "i386"),
        (padded(x202=b"HdrS\x04\x02", x236=b"\x01"), "i386"),
        (padded(x0=b"MZ", x3c=b"\x80", x80=b"PE\0\0\x64\xaa"), "aarch64"),
        (ARM64, "aarch64"),
        (gzip.compress(ARM64, mtime=0), "aarch64"),
        (b"\x1f\x8bbroken", ""),
        (b"MZ" + b"\xff" * 100, ""),
        (b"", ""),
    ],
)
def test_the_processor_of_a_kernel(head: bytes, arch: str) -> None:
    assert kernel.architecture(head) == arch
