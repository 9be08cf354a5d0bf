"""Which processor a kernel is made for: by its header, whichever of four kinds it has."""

from __future__ import annotations

import zlib

HEAD_BYTES = 4096
"""As much of a kernel as tells it."""

_ELF = {3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
_PE = {0x14C: "i386", 0x1C2: "arm", 0x8664: "x86_64", 0xAA64: "aarch64", 0x5064: "riscv64"}
_KERNEL_64 = 1
"""Bit of bzImage's xloadflags, since boot protocol 2.12."""


def architecture(head: bytes) -> str:
    """The processor's name as QEMU has it, such as x86_64; empty where nothing tells."""
    if head[:2] == b"\x1f\x8b":  # arm64's Image is often packed
        head = _unpacked(head)
    if head[:4] == b"\x7fELF":
        return _ELF.get(_little(head[18:20]), "")
    if head[56:60] == b"ARM\x64":
        return "aarch64"
    if is_bzimage(head):
        is_new = _little(head[0x206:0x208]) >= 0x20C
        return "x86_64" if is_new and head[0x236] & _KERNEL_64 else "i386"
    at = _little(head[0x3C:0x40])
    if head[:2] == b"MZ" and head[at : at + 4] == b"PE\0\0":
        return _PE.get(_little(head[at + 4 : at + 6]), "")
    return ""


def is_bzimage(head: bytes) -> bool:
    """Whether it is a kernel as x86's boot loaders want it."""
    return head[0x202:0x206] == b"HdrS"


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""
