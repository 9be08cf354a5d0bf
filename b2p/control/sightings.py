"""What a serial console says that b2p understands: stages, and the ways in which a boot ends. Pure.

One table of patterns over bytes; console.py looks for them live, tests in transcripts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from b2p.plain import line


class Kind(Enum):
    """What was seen."""

    STAGE = "stage"
    """Firmware began a stage: progress."""
    PANIC = "panic"
    """The kernel gave up."""
    OUT_OF_MEMORY = "out of memory"
    """The kernel killed a process for lack of memory, outside of any container's limit."""
    EMERGENCY = "emergency"
    """The guest waits for a person at a prompt."""
    FAILED = "failed"
    """Firmware says itself that it cannot go on."""
    NOTHING_TO_BOOT = "nothing to boot"
    """The machine's own firmware found nothing to start."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something understood; `text` is one line, safe to show."""

    kind: Kind
    text: str

    @property
    def is_failure(self) -> bool:
        """Whether the boot cannot come to a good end."""
        return self.kind is not Kind.STAGE

    @property
    def message(self) -> str:
        """What happened, as a phrase for an error."""
        phrase = _PHRASES[self.kind]
        return f"{phrase}: {self.text}" if self.text else phrase

    @property
    def hint(self) -> str:
        """What to do about it."""
        return _HINTS.get(self.kind, "try again, with more memory if that is what it lacks")


_PHRASES = {
    Kind.STAGE: "stage",
    Kind.PANIC: "the guest's kernel panicked",
    Kind.OUT_OF_MEMORY: "the guest ran out of memory",
    Kind.EMERGENCY: "the guest stopped at an emergency prompt",
    Kind.FAILED: "the guest gave up",
    Kind.NOTHING_TO_BOOT: "the machine found nothing to boot",
}
_HINTS = {
    Kind.OUT_OF_MEMORY: "give the machine more memory, such as --memory 4GiB",
    Kind.EMERGENCY: "look around in it with 'b2p console', or read 'b2p logs'",
    Kind.NOTHING_TO_BOOT: "check that the image is one that boots",
}

# A line's text goes to its end, so that half a line is not taken for the whole; a prompt has none.
_TEXT = rb"([^\r\n]*)[\r\n]"

PATTERNS: tuple[tuple[Kind, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.STAGE, rb"b2p: stage: " + _TEXT),
        (Kind.FAILED, rb"b2p: failed: " + _TEXT),
        (Kind.PANIC, rb"Kernel panic - not syncing: " + _TEXT),
        # With a small o it is a container that met its own limit ("Memory cgroup out of memory").
        (Kind.OUT_OF_MEMORY, rb"Out of memory(?: \([^)\r\n]*\))?: (Killed process " + _TEXT[1:]),
        (Kind.EMERGENCY, rb"(You are in (?:emergency|rescue) mode)"),
        (Kind.EMERGENCY, rb"(Give root password for maintenance)"),
        (Kind.EMERGENCY, rb"(Cannot open access to console, the root account is locked)"),
        # The prompt, not a mention of it: initramfs-tools' shell writes it at a line's start.
        (Kind.EMERGENCY, rb"(?:^|[\r\n])(\(initramfs\)) "),
        (Kind.EMERGENCY, rb"(?:^|[\r\n])(grub rescue>|dracut:/#)"),
        (Kind.NOTHING_TO_BOOT, rb"(No bootable device|No bootable option or device was found)"),
        (Kind.NOTHING_TO_BOOT, rb"(Boot failed: not a bootable disk)"),
    )
)


def sighting(kind: Kind, match: re.Match[bytes]) -> Sighting:
    """What a match of one of the patterns means."""
    return Sighting(kind, line(match.group(1)))


def sightings(transcript: bytes) -> list[Sighting]:
    """All that is understood in a transcript, in the order of its lines."""
    found = [
        (match.start(1), sighting(kind, match))
        for kind, pattern in PATTERNS
        for match in pattern.finditer(transcript)
    ]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]
