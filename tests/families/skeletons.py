"""The smallest images that bear the marks of each family: enough to be recognised, not to boot."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests import fakes_iso
from tests.formats import test_fat
from tests.formats.test_partitions import ESP, gpt

if TYPE_CHECKING:
    from pathlib import Path

LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"
MKE2FS = shutil.which("mke2fs", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
MENU = b"default a\nlabel a\nkernel /%b\ninitrd /%b\nappend loglevel=3\n"
TINY = ("boot/vmlinuz64", "boot/corepure64.gz", "boot/boot2podman.gz")
DOCKER = ("boot/vmlinuz", "boot/initrd.img", "isolinux/isolinux.cfg")
LIVE = ("isolinux/vmlinuz0", "isolinux/initrd0.img")

ISOS: dict[str, tuple[str, tuple[str, ...]]] = {
    "boot2podman": ("Boot2Podman-v0.27", TINY),
    "boot2podman-fedora": ("boot2podman-fedora", LIVE),
    "boot2docker": ("b2d-v19.03.12", DOCKER),
    "minishift-centos7": ("minishift-centos7", LIVE),
    "minishift-b2d": ("b2d-v1.12.6", ("boot/vmlinuz64", "boot/initrd.img")),
    "minikube": ("ISOIMAGE", ("boot/bzImage", "boot/initrd", "isolinux.cfg")),
}
"""Label of the volume, and its files, the kernel first."""

RELEASES: dict[str, tuple[str, str]] = {
    "debian": ('ID=debian\nNAME="Debian GNU/Linux"\n', ""),
    "ubuntu": ("ID=ubuntu\nNAME=Ubuntu\n", "cloudimg-rootfs"),
    "fedora": ("ID=fedora\nVARIANT_ID=cloud\n", "fedora"),
    "fedora-atomic": ("ID=fedora\nVARIANT_ID=atomic.host\n", ""),
    "centos-atomic": ("ID=centos\nVARIANT_ID=atomic.host\n", ""),
}
"""os-release, and the label of the file system that holds it."""

LOADERS = {"flatcar": b"FLATCAR    ", "container-linux": b"COREOS     "}


def image(name: str, home: Path) -> bytes:
    """An image of that family."""
    if name in ISOS:
        return _iso(*ISOS[name], home)
    if name in RELEASES:
        return _disk(*RELEASES[name], home)
    if name == "fedora-coreos":
        return bytes(gpt((ESP, "EFI-SYSTEM", 2048, 2049), *_parts("boot", "root")))
    disk = gpt((ESP, "EFI-SYSTEM", 2048, 4095), *_parts("USR-A", "USR-B", "OEM", "ROOT"))
    fat = test_fat.volume(16)[test_fat.START :].replace(b"FLATCAR    ", LOADERS[name])
    disk[1 << 20 : (1 << 20) + len(fat)] = fat
    return bytes(disk)


def _parts(*names: str) -> list[tuple[str, str, int, int]]:
    first = 4096
    return [(LINUX, name, first + at * 16, first + at * 16 + 15) for at, name in enumerate(names)]


def _iso(label: str, files: tuple[str, ...], home: Path) -> bytes:
    contents = {f"/{path}": b"data" for path in files}
    contents[f"/{files[0]}"] = fakes_iso.X86_KERNEL
    menu = MENU % (files[0].encode(), files[1].encode())
    loader = "/boot/isolinux" if label.startswith("Boot2") else "/isolinux"
    contents |= {f"{loader}/isolinux.bin": b"loader", f"{loader}/isolinux.cfg": menu}
    contents.pop("/isolinux.cfg", None)
    return fakes_iso.iso(home / "skeleton.iso", contents, label=label).read_bytes()


def _disk(release: str, label: str, home: Path) -> bytes:
    if not MKE2FS:
        pytest.skip("no mke2fs here")
    tree = home / "tree/usr/lib"
    tree.mkdir(parents=True)
    (tree / "os-release").write_text(release)
    path = home / "skeleton.raw"
    path.write_bytes(bytes(gpt((LINUX, "", 2048, 16383))))
    words = [MKE2FS, "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-L", label]
    words += ["-E", f"offset={1 << 20}", "-d", str(home / "tree"), str(path), "6M"]
    subprocess.run(words, check=True, capture_output=True)
    return path.read_bytes()
