"""The small initrds, read back."""

from __future__ import annotations

import stat

from b2p.image.initrd import initrd
from tests.cpio_reader import read
from tests.image.test_modules import module


def test_it_holds_busybox_an_init_and_the_modules_in_their_order() -> None:
    modules = {
        "ext4": module("depends=jbd2"),
        "jbd2": module("depends="),
        "sound": module("depends="),
    }
    made = initrd(busybox=b"BUSY", init=b"#!/bin/busybox sh", modules=modules, wanted=["ext4"])
    entries = {entry.name: entry for entry in read(made)}
    assert entries["init"].data == b"#!/bin/busybox sh"
    assert entries["init"].mode == entries["bin/busybox"].mode == stat.S_IFREG | 0o755
    assert entries["bin/busybox"].data == b"BUSY"
    assert entries["modules/order"].data == b"jbd2.ko\next4.ko\n"
    assert entries["modules/ext4.ko"].data == modules["ext4"]
    assert "modules/sound.ko" not in entries
    folders = {name for name, entry in entries.items() if stat.S_ISDIR(entry.mode)}
    assert folders == {"bin", "dev", "modules", "proc", "sys"}


def test_the_same_parts_make_the_same_bytes() -> None:
    def made() -> bytes:
        return initrd(busybox=b"B", init=b"I", modules={"a": module("depends=")}, wanted=["a"])

    assert made() == made()
