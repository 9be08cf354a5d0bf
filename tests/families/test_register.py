"""The register, and what every record must keep to."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from b2p import families
from b2p.errors import UsageError
from b2p.families import addresses
from b2p.families.model import (
    Family,
    InJson,
    InRedirect,
    InText,
    KernelInside,
    Source,
    UserdataDisk,
)

every = pytest.mark.parametrize("family", families.ALL, ids=lambda family: family.name)
SOURCES = [(f, s) for f in families.ALL for s in f.sources.values()]
every_source = pytest.mark.parametrize(
    ("family", "source"), SOURCES, ids=[f"{f.name}-{n}" for n, (f, _) in enumerate(SOURCES)]
)


def test_names_and_aliases_name_one_family_each() -> None:
    names = [name for family in families.ALL for name in (family.name, *family.aliases)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name) for name in names)
    # An image's digest may be said by its beginning.
    assert not [name for name in names if re.fullmatch(r"[0-9a-f]+", name)]


@every
def test_a_family_is_found_by_all_its_names(family: Family) -> None:
    for name in (family.name, *family.aliases):
        assert families.is_name(name)
        assert families.by_name(name.upper()) is family


def test_a_name_nearly_right_is_corrected() -> None:
    assert not families.is_name("boot2dokcer")
    with pytest.raises(UsageError) as raised:
        families.by_name("boot2dokcer")
    assert "boot2docker" in raised.value.hint


def test_a_name_far_from_all_gets_the_list() -> None:
    with pytest.raises(UsageError) as raised:
        families.by_name("zzzzzzzz")
    assert all(family.name in raised.value.hint for family in families.ALL)


@every_source
def test_addresses_are_secure_and_their_placeholders_are_answered(
    family: Family, source: Source
) -> None:
    texts = (source.image, source.checksum, source.signature, *source.mirrors)
    named = {field for text in texts for _, field, _, _ in Formatter().parse(text) if field}
    match source.latest:
        case InText(pattern=pattern) | InRedirect(pattern=pattern):
            answers = set(re.compile(pattern).groupindex)
        case InJson():
            answers = {"version"}
        case pinned:
            answers = set(pinned.values)
    assert named <= answers
    assert set(source.known) in (set(), answers)
    addresses_said = [text for text in (*texts, source.key) if text]
    assert all(text.startswith("https://") for text in addresses_said)
    assert re.match(r"https://|$", addresses.question(source.latest))


@every_source
def test_the_packing_is_that_of_the_address(family: Family, source: Source) -> None:
    ending = source.image.rsplit(".", 1)[-1]
    assert source.packing == (ending if ending in {"xz", "gz", "bz2", "zst"} else "")


@every
def test_an_architecture_with_a_source_has_a_firmware(family: Family) -> None:
    assert set(family.sources) <= set(family.firmware)
    assert all(family.firmware.values())


@every
def test_what_ssh_cannot_reach_has_a_forwarder_in_the_guest(family: Family) -> None:
    for engine in family.engines:
        if engine.reach == "forwarder":
            assert family.places.socket_proxy
            assert family.places.units
        elif engine.root and engine.reach != "served":
            assert engine.ssh_user == "root" or engine.bridge


@every
def test_an_iso_that_formats_a_disk_is_given_one(family: Family) -> None:
    if isinstance(family.provisioner, UserdataDisk):
        assert family.data_disk
        assert len(family.provisioner.magic) == 29
    assert isinstance(family.boot, KernelInside) <= (family.medium == "iso")


@every
def test_placeholders_of_the_kernel_line_are_the_known_ones(family: Family) -> None:
    line = family.console.kernel_words
    if isinstance(family.boot, KernelInside):
        line += family.boot.command_line
    assert {field for _, field, _, _ in Formatter().parse(line) if field} <= {"serial", "label"}
