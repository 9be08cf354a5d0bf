"""Archives for initrds, read back by the tests' own reader."""

from __future__ import annotations

import gzip
import shutil
import stat
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p import families
from b2p.families.model import KernelInside
from b2p.provision import overlay
from tests.cpio_reader import Entry, read
from tests.provision.examples import HOST_KEY, PLAIN, TOLD

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.provision.told import Told


def archive(name: str, told: Told = TOLD) -> bytes:
    family = families.by_name(name)
    assert isinstance(family.boot, KernelInside)
    return overlay.overlay(family, family.boot, told)


def entries(name: str) -> dict[str, Entry]:
    return {entry.name: entry for entry in read(archive(name))}


def test_where_the_initrd_is_the_root_files_lie_in_their_places() -> None:
    found = entries("boot2docker")
    key = found["usr/local/etc/ssh/ssh_host_ed25519_key"]
    assert key.data == HOST_KEY.encode()
    assert stat.S_IMODE(key.mode) == 0o600
    assert "etc/hostname" not in found


def test_minikube_is_named_and_told_its_proxy() -> None:
    found = entries("minikube")
    assert found["etc/hostname"].data == b"work\n"
    assert b"proxy.example" in found["etc/systemd/system.conf.d/50-b2p-proxy.conf"].data


@pytest.mark.parametrize("name", ["boot2podman", "boot2podman-fedora", "minikube"])
def test_every_directory_comes_before_what_it_holds(name: str) -> None:
    seen = set()
    for entry in read(archive(name)):
        parent = entry.name.rpartition("/")[0]
        assert not parent or parent in seen
        if stat.S_ISDIR(entry.mode):
            seen.add(entry.name)


def test_where_it_hands_over_a_hook_copies_them() -> None:
    found = entries("boot2podman-fedora")
    hook = found["usr/lib/dracut/hooks/pre-pivot/90-b2p.sh"]
    assert stat.S_IMODE(hook.mode) == 0o755
    assert b"cp -a /b2p/root/. " in hook.data
    inside = "b2p/root/etc/systemd/system"
    assert found["b2p/root/etc/ssh/ssh_host_ed25519_key"].data == HOST_KEY.encode()
    wants = f"{inside}/sockets.target.wants"
    assert found[f"{wants}/b2p-varlink.socket"].data == b"../b2p-varlink.socket"
    assert found[f"{wants}/io.podman.socket"].data == b"/usr/lib/systemd/system/io.podman.socket"
    assert b"/run/podman/io.podman" in found[f"{inside}/b2p-varlink.service"].data


def test_the_hook_does_copy_them(tmp_path: Path) -> None:
    source, target = tmp_path / "b2p/root", tmp_path / "sysroot"
    for entry in read(archive("boot2podman-fedora")):
        path = tmp_path / entry.name
        if stat.S_ISDIR(entry.mode):
            path.mkdir(parents=True, exist_ok=True)
        elif stat.S_ISREG(entry.mode):
            path.write_bytes(entry.data)
            path.chmod(stat.S_IMODE(entry.mode))
    (target / "etc").mkdir(parents=True)
    (target / "etc/fstab").touch()
    hook = (tmp_path / "usr/lib/dracut/hooks/pre-pivot/90-b2p.sh").read_text()
    script = hook.replace(" /b2p/root", f" {source}")
    ran = subprocess.run(
        ["sh", "-eu", "-c", script], env={"NEWROOT": str(target), "PATH": "/usr/bin:/bin"}
    )
    assert ran.returncode == 0
    assert (target / "etc/fstab").exists()
    key = target / "etc/ssh/ssh_host_ed25519_key"
    assert key.read_text() == HOST_KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_where_there_is_nothing_to_bring_there_is_no_archive() -> None:
    assert archive("boot2podman", PLAIN) == b""
    family = families.by_name("minikube")
    assert isinstance(family.boot, KernelInside)
    assert overlay.overlay(family, replace(family.boot, overlay="none"), TOLD) == b""


def test_archives_end_to_end_begin_where_the_kernel_looks() -> None:
    packed = gzip.compress(b"x" * 1000)[:-1]
    parts = [packed, archive("minikube"), b""]
    whole = overlay.joined(parts)
    start = len(packed) + -len(packed) % 4
    assert whole[start : start + 6] == b"070701"
    assert len(whole) == start + len(parts[1])


@pytest.mark.skipif(not shutil.which("cpio"), reason="needs cpio")
def test_cpio_lists_it() -> None:
    ran = subprocess.run(["cpio", "-it"], input=archive("minikube"), capture_output=True)
    assert b"etc/ssh/ssh_host_ed25519_key\n" in ran.stdout
