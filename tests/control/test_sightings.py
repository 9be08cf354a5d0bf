"""What is understood of a console, from transcripts."""

from __future__ import annotations

import pytest

from b2p.control.sightings import Kind, Sighting, sightings

GOOD_BOOT = b"""\
[    0.000000] Linux version 6.12.48+deb13-amd64\r
b2p: stage: mounting the system image\r
[    1.912044] squashfs: version 4.0 (2009/01/31) Phillip Lougher\r
[\x1b[0;32m  OK  \x1b[0m] Reached target b2p.target\r
[    9.2] Memory cgroup out of memory: Killed process 812 (stress) total-vm:1kB\r
b2p: stage: \x1b[1mstarting podman\x1b[0m\r
b2p: stage: half a li"""


def test_a_good_boot_is_stages_and_no_failure() -> None:
    assert sightings(GOOD_BOOT) == [
        Sighting(Kind.STAGE, "mounting the system image"),
        Sighting(Kind.STAGE, "starting podman"),
    ]


@pytest.mark.parametrize(
    ("transcript", "kind", "text"),
    [
        (
            b"[ 1.5] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block\r\n",
            Kind.PANIC,
            "VFS: Unable to mount root fs on unknown-block",
        ),
        (
            b"[ 8.1] Out of memory: Killed process 311 (mksquashfs) total-vm:9kB, anon-rss:8kB\r\n",
            Kind.OUT_OF_MEMORY,
            "Killed process 311 (mksquashfs) total-vm:9kB, anon-rss:8kB",
        ),
        (
            b"Out of memory (oom_kill_allocating_task): Killed process 9 (init) a\n",
            Kind.OUT_OF_MEMORY,
            "Killed process 9 (init) a",
        ),
        (
            b'You are in emergency mode. After logging in, type "journalctl -xb"',
            Kind.EMERGENCY,
            "You are in emergency mode",
        ),
        (
            b"Give root password for maintenance\r\n(or press Control-D to continue): ",
            Kind.EMERGENCY,
            "Give root password for maintenance",
        ),
        (b"Enter 'help' for a list\r\n\r\n(initramfs) ", Kind.EMERGENCY, "(initramfs)"),
        (b"b2p: failed: no disk b2p-root\r\n", Kind.FAILED, "no disk b2p-root"),
        (
            b"Booting from Hard Disk...\r\nBoot failed: not a bootable disk\r\n",
            Kind.NOTHING_TO_BOOT,
            "Boot failed: not a bootable disk",
        ),
        (b"No bootable device.\r\n", Kind.NOTHING_TO_BOOT, "No bootable device"),
        (
            b"BdsDxe: No bootable option or device was found.\r\n",
            Kind.NOTHING_TO_BOOT,
            "No bootable option or device was found",
        ),
    ],
)
def test_a_failure_is_recognised_with_its_words(transcript: bytes, kind: Kind, text: str) -> None:
    (seen,) = sightings(b"noise\r\n" + transcript)
    assert seen == Sighting(kind, text)
    assert seen.is_failure
    assert text in seen.message
    assert seen.hint


def test_the_first_of_two_lines_comes_first() -> None:
    transcript = b"b2p: failed: no disk\r\nKernel panic - not syncing: Attempted to kill init!\r\n"
    assert [seen.kind for seen in sightings(transcript)] == [Kind.FAILED, Kind.PANIC]


def test_a_mention_of_the_initramfs_is_not_its_prompt() -> None:
    assert sightings(b"unpacking the (initramfs) took 2 s\r\nrun-init (initramfs)\r\n") == []


def test_half_a_panic_line_is_not_taken_for_the_whole() -> None:
    assert sightings(b"Kernel panic - not syncing: Attempted to ki") == []
