"""Whether a saved state fits a machine as it would be started now, told field by field. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INCOMING = ("-incoming", "defer")
"""What a QEMU is told that waits for a state instead of booting."""

NAMES = {
    "-m": "memory",
    "-smp": "cpus",
    "-accel": "accelerator",
    "-cpu": "processor",
    "-machine": "machine type",
    "-kernel": "image",
    "-append": "kernel command line",
}
"""What people call some of QEMU's options."""

PROCESSOR = "host's processor"
OUTSIDE = {"-fsdev": (), "-netdev": ("dgram,", "hubport,")}
"""Options (with how their values begin, where not all are meant) that say what lies on the host: no
part of the machine's state depends on them."""

SHORT = 24
"""A value of at most so many characters is shown."""


def fields(command: Sequence[str], *, qemu: str, processor: str) -> dict[str, str]:
    """All that a state depends on: QEMU's options by name, QEMU itself, the host's processor.

    `qemu` is its identity. The processor does not matter where it is emulated.
    """
    found: dict[str, list[str]] = {}
    for option, value in _pairs(command):
        if not _is_outside(option, value):
            found.setdefault(NAMES.get(option, f"option {option}"), []).append(value)
    named = {name: " ".join(values) for name, values in found.items()}
    if not named.get("accelerator", "").startswith("tcg"):
        named[PROCESSOR] = processor
    return {"QEMU": qemu, **named}


def _is_outside(option: str, value: str) -> bool:
    return option in OUTSIDE and value.startswith(OUTSIDE[option] or "")


def difference(saved: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The first field that is not as it was, in a few words; empty where all are."""
    for name in dict.fromkeys((*now, *saved)):
        before, after = saved.get(name, ""), now.get(name, "")
        if before != after:
            is_short = 0 < len(before) <= SHORT and 0 < len(after) <= SHORT
            return f"{name} was {before}, is {after}" if is_short else f"{name} has changed"
    return ""


def _pairs(options: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, empty where it has none."""
    for at, word in enumerate(options):
        if word.startswith("-"):
            following = options[at + 1] if at + 1 < len(options) else "-"
            yield word, "" if following.startswith("-") else following
