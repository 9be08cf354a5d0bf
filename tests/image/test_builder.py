"""The builder's VM: its whole command, and what its console says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from b2p.image import builder
from b2p.machine.architecture import kernel_words
from tests.fakes_story import HOST

FILES = builder.BuilderFiles(
    kernel=Path("/w/kernel"),
    initrd=Path("/w/initrd"),
    tree=Path("/w/tree.cpio"),
    output=Path("/w/a,b/root"),
    console=Path("/w/a,b/log"),
)

CONSOLE = """\
[    0.0] Linux
b2p: stage: reading the tree\r
b2p: stage: packing\r
"""


def test_the_whole_command() -> None:
    host = replace(HOST, accelerator="tcg", cores=9)
    assert builder.builder_argv(host, FILES) == [
        "qemu-system-x86_64",
        "-name", "b2p-builder",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", "pc-q35-11.1,hpet=off,vmport=off,smm=off",
        "-accel", "tcg,thread=multi,tb-size=64", "-cpu", "max",
        "-smp", "4", "-m", "2048M",
        "-rtc", "base=2025-08-09T00:00:00",
        "-kernel", "/w/kernel", "-initrd", "/w/initrd",
        "-append", f"{kernel_words('x86_64', 'tcg')} panic=-1",
        # As parts: "-serial file:/w/a,,b/log" would write to a file with two commas.
        "-chardev", "file,id=console,path=/w/a,,b/log",
        "-serial", "chardev:console",
        "-blockdev",
        "driver=raw,node-name=tree,read-only=on,file.driver=file,file.filename=/w/tree.cpio",
        "-device", "virtio-blk-pci,drive=tree,werror=report",
        "-blockdev",
        "driver=raw,node-name=output,file.driver=file,file.filename=/w/a,,b/root",
        "-device", "virtio-blk-pci,drive=output,werror=report",
    ]  # fmt: skip


def test_a_small_computer_gives_what_it_has() -> None:
    words = builder.builder_argv(replace(HOST, cores=1), FILES)
    assert words[words.index("-smp") + 1] == "1"


def test_stages_come_in_order() -> None:
    assert builder.stages(CONSOLE) == ["reading the tree", "packing"]
    assert builder.stages("") == []


def test_the_builders_failures_are_understood() -> None:
    assert builder.failure(CONSOLE) == ""
    assert builder.failure(CONSOLE + "b2p: failed: no space\r\n") == "no space"
    assert builder.failure("Kernel panic - not syncing: x") == "Kernel panic - not syncing: x"
    killed = "Out of memory: Killed process 5 (mksquashfs)"
    assert builder.failure(f"[ 9.1] {killed}\n") == killed


def test_only_its_own_word_says_that_it_is_done() -> None:
    assert builder.finished(CONSOLE + "b2p: built\r\n")
    assert not builder.finished(CONSOLE)
    assert not builder.finished("echo b2p: built\n")


def test_a_squashfs_tells_its_size() -> None:
    start = b"hsqs" + bytes(36) + (123456789).to_bytes(8, "little") + bytes(16)
    assert builder.squashfs_bytes(start) == 123456789
    assert builder.squashfs_bytes(bytes(64)) == 0
    assert builder.squashfs_bytes(b"") == 0
