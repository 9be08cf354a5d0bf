"""The builder's VM: its command line, and what its console says. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.machine.architecture import accelerator_options, architecture, kernel_words
from b2p.machine.argv import escaped

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.machine.model import Host

MEMORY_MIB = 2048
"""The tree in a tmpfs (about 400 MB) and mksquashfs beside it; only what is touched is taken."""

OUTPUT_BYTES = 2 << 30
"""Room for the packed system: a sparse file, cut to what was used."""

DEADLINE_SECONDS = 600

CLOCK = "2025-08-09T00:00:00"
"""What the builder takes for now (the day of Debian 13): an image does not tell its birthday."""

_STAGE = re.compile(r"b2p: stage: (.*)")
_FAILURE = re.compile(r"b2p: failed: (.*)|(Kernel panic - .*)|(Out of memory: Killed .*)")
_BUILT = re.compile(r"^b2p: built\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderFiles:
    """What goes in and comes out."""

    kernel: Path
    initrd: Path
    tree: Path
    output: Path
    console: Path


def builder_argv(host: Host, files: BuilderFiles) -> list[str]:
    """The whole command that runs the builder's VM to its own power-off."""
    quirks = architecture(host.arch)
    return [
        *host.qemu.command,
        "-name", "b2p-builder",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", f"{host.qemu.machine_type},{quirks.machine_options}",
        *accelerator_options(host.arch, host.accelerator),
        "-smp", str(min(4, host.cores)), "-m", f"{MEMORY_MIB}M",
        "-rtc", f"base={CLOCK}",
        "-kernel", str(files.kernel), "-initrd", str(files.initrd),
        "-append", f"{kernel_words(host.arch, host.accelerator)} panic=-1",
        # By its parts: in the short form file:PATH a doubled comma would stay doubled.
        "-chardev", f"file,id=console,path={escaped(str(files.console))}",
        "-serial", "chardev:console",
        *_disk("tree", files.tree, "read-only=on,"), *_disk("output", files.output, ""),
    ]  # fmt: skip


def _disk(name: str, path: Path, mode: str) -> list[str]:
    drive = f"driver=raw,node-name={name},{mode}file.driver=file,file.filename={escaped(str(path))}"
    # A full disk of the host is told to the builder, which gives up; unasked, QEMU would stop it.
    return ["-blockdev", drive, "-device", f"virtio-blk-pci,drive={name},werror=report"]


def stages(console: str) -> list[str]:
    """The stages that the console has told so far, in order."""
    return [found.strip() for found in _STAGE.findall(console)]


def failure(console: str) -> str:
    """What went wrong according to the console; empty where nothing did."""
    found = _FAILURE.search(console)
    return next((group.strip() for group in found.groups() if group), "") if found else ""


def finished(console: str) -> bool:
    """Whether the builder said that it is done."""
    return bool(_BUILT.search(console))


def squashfs_bytes(start: bytes) -> int:
    """The size of the squashfs that begins so; 0 where none does (bytes_used, at offset 40)."""
    return int.from_bytes(start[40:48], "little") if start[:4] == b"hsqs" else 0
