"""A built image as a medium of its own: an ISO that is a disk too, with the system in its initrds.

Whatever firmware reads the medium loads all of it, so the system runs from memory and needs no
driver for what it came on: that can be pulled out.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from b2p.formats import cpio, fat_writer, iso_writer, oci_writer, qcow2_writer
from b2p.image import cache, loaders, recipe
from b2p.machine import ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from b2p.image.cache import Image
    from b2p.image.loaders import Loaders

DATE = datetime(2025, 8, 9, tzinfo=UTC)
"""What all files of it bear: the day of Debian 13, as the image itself."""
LABEL = "B2P"
KERNEL, INITRD, SYSTEM, MANIFEST = "boot/kernel", "boot/initrd", "boot/system", "boot/b2p.json"
_ESP = "boot/efi.img"
_LOADER = "isolinux/isolinux.bin"
_NAME = "EFI/B2P/IMAGE.TXT"
"""In UEFI's file system: by this b2p knows a disk of its own again."""

WORDS = (
    "quiet loglevel=3 net.ifnames=0 lsm=landlock,yama transparent_hugepage=madvise"
    f" console=ttyS0 console=tty0 {ports.STANDALONE}"
)
"""The kernel's line where no b2p boots it: on whatever computer, so nothing about its clocks."""

_ISOLINUX = """\
serial 0 115200
default b2p
prompt 0
label b2p
 kernel /{kernel}
 append initrd=/{initrd},/{system} {words}
"""
_GRUB = """\
set timeout=0
menuentry b2p {{
 linux /{kernel} {words}
 initrd /{initrd} /{system}
}}
"""


def label(image: Image) -> str:
    """The volume's: whose it is, and which."""
    return f"{LABEL}_{image.digest[:12].upper()}"


def serial(image: Image) -> int:
    """A number for the disk and its file systems."""
    return int(image.digest[:8], 16)


def write_iso(image: Image, found: Loaders, out: BinaryIO) -> int:
    """Write the medium; returns its size in bytes. The same image and loaders: the same bytes."""
    with ExitStack() as stack:
        return iso_writer.write(
            out,
            _files(image, found, stack),
            label=label(image),
            boot=iso_writer.Boot(
                bios=_LOADER,
                uefi=_ESP,
                catalog="isolinux/boot.cat",
                first_sector=found.read(loaders.FIRST_SECTOR),
            ),
            date=DATE,
            serial=serial(image),
        )


def write_raw(image: Image, found: Loaders, out: BinaryIO, *, size: int) -> int:
    """The same as a disk of `size` bytes, with a partition for containers behind the system.

    Returns how many of its bytes, at its beginning, are more than zeros.
    """
    begin = write_iso(image, found, out)
    end = size // iso_writer.ALIGNED * iso_writer.ALIGNED
    out.seek(0)
    first = out.read(iso_writer.SECTOR)
    out.seek(0)
    out.write(iso_writer.with_partition(first, start=begin, size=end - begin))
    out.seek(begin)
    # The guest takes it as it takes any disk that asks for that.
    head = ports.FORMAT_ME.encode().ljust(iso_writer.SECTOR, b"\0")
    out.write(head)
    out.truncate(end)
    return begin + len(head)


def write_qcow2(image: Image, found: Loaders, out: BinaryIO, *, size: int, room: Path) -> None:
    """The disk as a qcow2, which takes as much room as the system does; so much again in `room`."""
    with tempfile.TemporaryFile(dir=room) as raw:
        length = write_raw(image, found, raw, size=size)
        whole = raw.seek(0, 2)
        raw.seek(0)
        qcow2_writer.write(raw, out, length=length, size=whole)


def write_containerdisk(
    image: Image, found: Loaders, out: BinaryIO, *, size: int, reference: str, room: Path
) -> str:
    """The qcow2 in a container image, as clusters with KubeVirt take it; returns its digest."""
    with tempfile.TemporaryFile(dir=room) as disk:
        write_qcow2(image, found, disk, size=size, room=room)
        return oci_writer.write(
            disk,
            disk.seek(0, 2),
            out,
            name="b2p.qcow2",
            architecture=recipe.DEBIAN_ARCHITECTURES[image.arch],
            reference=reference,
            created=f"{DATE:%Y-%m-%dT%H:%M:%SZ}",
        )


def _files(image: Image, found: Loaders, stack: ExitStack) -> Mapping[str, tuple[BinaryIO, int]]:
    names = {"kernel": KERNEL, "initrd": INITRD, "system": SYSTEM, "words": WORDS}
    grub = _GRUB.format_map(names).encode()
    name = f"b2p {image.digest}\n".encode()
    esp = fat_writer.image(
        {
            **{f"EFI/BOOT/{one}": found.read(one) for one in (loaders.SHIM, loaders.GRUB)},
            _NAME: name,
        },
        serial=serial(image),
    )
    small = {
        MANIFEST: (image.directory / cache.MANIFEST).read_bytes(),
        _LOADER: found.read(loaders.ISOLINUX),
        f"isolinux/{loaders.MODULE}": found.read(loaders.MODULE),
        "isolinux/isolinux.cfg": _ISOLINUX.format_map(names).encode(),
        _ESP: esp,
        # What Debian's GRUB for CDs looks for, to know the medium that it came from.
        ".disk/info": name,
        "boot/grub/grub.cfg": grub,
        "boot/grub/x86_64-efi/grub.cfg": grub,
        SYSTEM: _system(image),
    }
    files = {path: iso_writer.of_bytes(content) for path, content in small.items()}
    for path, source in ((KERNEL, image.kernel), (INITRD, image.initrd)):
        files[path] = stack.enter_context(source.open("rb")), source.stat().st_size
    return files


def _system(image: Image) -> bytes:
    """The system as an initrd of one file, which the image's own init mounts."""
    out = io.BytesIO()
    archive = cpio.Writer(out)
    archive.file(ports.SYSTEM_FILE, image.root.read_bytes(), 0o444)
    archive.trailer()
    return out.getvalue()
