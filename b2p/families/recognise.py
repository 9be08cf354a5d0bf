"""Which family an image belongs to, judged by what it holds first and by its name last. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.families import EXPORTED, KNOWN
from b2p.families.generic import GENERIC_DISK, GENERIC_ISO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.families.model import Family, Medium

# How much each mark counts. A file's name alone is enough, but loses against any content.
_LABEL, _ISO_FILES, _PARTITIONS, _PARTITION_FILES, _OS, _VARIANT, _NAME = 8, 6, 5, 6, 4, 4, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found in an image; empty where it was not looked for, or not there."""

    medium: Medium
    file_name: str = ""
    """Last part of the path or address."""
    volume_label: str = ""
    iso_files: frozenset[str] = frozenset()
    """Paths in the ISO, without a leading slash."""
    partitions: frozenset[str] = frozenset()
    """Labels and names of partitions, and labels of the file systems in them."""
    partition_files: frozenset[str] = frozenset()
    """Paths in partitions that could be read (EFI's at least), without a leading slash."""
    os_id: str = ""
    os_variant: str = ""
    os_name: str = ""


@dataclass(frozen=True, slots=True)
class _Finding:
    """One mark held against the evidence: how much it counts, and whether it fits."""

    weight: int
    fits: bool
    decisive: bool = False
    """Whether it rules the family out where it does not fit."""


def recognise(evidence: Evidence) -> Family:
    """The family that the evidence speaks for most; a generic one where nothing speaks."""
    best, most = _generic(evidence.medium), 0
    for family in (*EXPORTED, *KNOWN):
        score = _score(family, evidence)
        if score > most:
            best, most = family, score
    return best


def _generic(medium: Medium) -> Family:
    return next(family for family in (GENERIC_ISO, GENERIC_DISK) if family.medium == medium)


def _score(family: Family, evidence: Evidence) -> int:
    if family.medium != evidence.medium:
        return 0
    contents = list(_contents(family, evidence))
    if any(finding.decisive and not finding.fits for finding in contents):
        return 0
    score = sum(finding.weight for finding in contents if finding.fits)
    if contents and not score:
        return 0  # what it holds is somebody else's, whatever its name says
    return score + _NAME * _matches(family.marks.file_name, evidence.file_name)


def _contents(family: Family, evidence: Evidence) -> Iterator[_Finding]:
    """A finding for each mark that both the family has and the evidence can speak of."""
    marks = family.marks
    if marks.volume_label and evidence.volume_label:
        yield _Finding(_LABEL, _matches(marks.volume_label, evidence.volume_label))
    for weight, wanted, found in (
        (_ISO_FILES, marks.iso_files, evidence.iso_files),
        (_PARTITIONS, marks.partitions, evidence.partitions),
        (_PARTITION_FILES, marks.partition_files, evidence.partition_files),
    ):
        if wanted and found:
            yield _Finding(weight, _lower(wanted) <= _lower(found))
    if marks.os_ids and evidence.os_id:
        yield _Finding(_OS, evidence.os_id.lower() in marks.os_ids, decisive=True)
    words = {evidence.os_variant.lower(), evidence.os_name.lower()} - {""}
    if marks.variant and words:
        # A name says little against a family, a variant that is another's says all.
        yield _Finding(_VARIANT, marks.variant in words, decisive=bool(evidence.os_variant))


def _lower(words: tuple[str, ...] | frozenset[str]) -> set[str]:
    return {word.lower() for word in words}


def _matches(pattern: str, value: str) -> bool:
    return bool(pattern and value and re.fullmatch(pattern, value, re.IGNORECASE))
