"""Families told apart by what images hold."""

from __future__ import annotations

import pytest

from b2p import families
from b2p.families.recognise import Evidence, recognise

GPT = frozenset({"EFI-SYSTEM", "BIOS-BOOT", "USR-A", "USR-B", "OEM", "OEM-CONFIG", "ROOT"})


def iso(label: str = "", *files: str, name: str = "x.iso") -> Evidence:
    return Evidence(medium="iso", volume_label=label, iso_files=frozenset(files), file_name=name)


def disk(name: str = "x.qcow2", **found: frozenset[str] | str) -> Evidence:
    return Evidence(medium="disk", file_name=name, **found)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("evidence", "name"),
    [
        (iso("Boot2Podman-v0.1.0"), "boot2podman"),
        (iso("", "boot/vmlinuz64", "boot/corepure64.gz", "boot/boot2podman.gz"), "boot2podman"),
        (iso("b2d-v19.03.12"), "boot2docker"),
        (iso("ISOIMAGE", "boot/bzImage", "boot/initrd", "isolinux.cfg"), "minikube"),
        (iso("", "BOOT/BZIMAGE", "BOOT/INITRD"), "minikube"),
        (iso("boot2podman-fedora"), "boot2podman-fedora"),
        (iso("minishift-centos7"), "minishift-centos7"),
        (iso(name="minishift-b2d.iso"), "minishift-b2d"),
        (disk(partitions=GPT, partition_files=frozenset({"flatcar/vmlinuz-a"})), "flatcar"),
        (disk(partitions=GPT, partition_files=frozenset({"coreos/vmlinuz-a"})), "container-linux"),
        (disk("coreos_production_qemu_image.img", partitions=GPT), "container-linux"),
        (disk(partitions=frozenset({"EFI-SYSTEM", "boot", "root"})), "fedora-coreos"),
        (disk(os_id="fedora", os_variant="coreos"), "fedora-coreos"),
        (disk(os_id="fedora", os_variant="cloud"), "fedora"),
        (disk(os_id="fedora"), "fedora"),
        (disk(os_id="fedora", os_variant="atomic.host"), "fedora-atomic"),
        (disk(os_id="centos", os_variant="atomic.host"), "centos-atomic"),
        (disk(os_id="debian"), "debian"),
        (iso("B2P_0123456789AB"), "b2p-iso"),
        (iso("", "boot/b2p.json", "boot/system", "boot/kernel"), "b2p-iso"),
        (
            disk(partition_files=frozenset({"efi/boot/bootx64.efi", "efi/b2p/image.txt"})),
            "b2p-disk",
        ),
        (disk(partitions=frozenset({"cloudimg-rootfs", "UEFI"})), "ubuntu"),
        (disk("debian-12-genericcloud-arm64-20260101-1.qcow2"), "debian"),
        (disk("noble-server-cloudimg-amd64.img"), "ubuntu"),
        (disk("Fedora-Cloud-Base-Generic-43-1.6.x86_64.qcow2"), "fedora"),
    ],
)
def test_an_image_is_known_by_its_marks(evidence: Evidence, name: str) -> None:
    assert recognise(evidence).name == name


def test_what_an_image_holds_counts_more_than_its_name() -> None:
    assert recognise(iso("b2d-v19.03.12", name="boot2podman.iso")).name == "boot2docker"
    assert recognise(iso("Ubuntu 24.04", "casper/vmlinuz", name="boot2podman.iso")).name == (
        "generic-iso"
    )
    assert recognise(disk("debian-12-generic-amd64.qcow2", os_id="arch")).name == "generic"


def test_an_iso_is_never_taken_for_a_disk() -> None:
    assert recognise(disk("boot2docker.iso")).name == "generic"
    assert recognise(iso(name="flatcar_production_iso_image.iso")).name == "generic-iso"


@pytest.mark.parametrize("medium", ["iso", "disk"])
def test_without_any_evidence_it_is_a_generic_one(medium: str) -> None:
    found = recognise(Evidence(medium=medium))  # type: ignore[arg-type]
    assert found not in families.KNOWN
    assert found.medium == medium
