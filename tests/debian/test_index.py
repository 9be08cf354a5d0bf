"""Packages files: what is found in them, and which version is taken."""

from __future__ import annotations

import pytest

from b2p.debian.index import Index, Listing, Part, Relation, compare
from b2p.errors import TamperedError
from tests.fakes_debian import stanza


def listing(*stanzas: str, base: str = "http://one.example/debian") -> Listing:
    return Listing("".join(stanzas).encode(), base)


def index(*listings: Listing) -> Index:
    return Index([Part(one) for one in listings])


def test_a_package_is_found_with_all_its_fields() -> None:
    text = stanza(
        "podman",
        "5.4.2+ds1-2",
        Source="libpod (5.4.2)",
        Pre_Depends="init-system-helpers (>= 1.54~)",
        Depends="libc6 (>= 2.38), conmon:any | crun, gone [arm64]",
        Provides="engine, podman-api (= 5.0)",
    )
    package = index(listing(stanza("aaa"), text, stanza("zzz"))).get("podman")
    assert package is not None
    assert package.source == "libpod"
    assert package.filename == "pool/main/podman_5.4.2+ds1-2_amd64.deb"
    assert package.url_base == "http://one.example/debian"
    assert package.depends == (
        (Relation("init-system-helpers", ">=", "1.54~"),),
        (Relation("libc6", ">=", "2.38"),),
        (Relation("conmon"), Relation("crun")),
    )
    assert package.provides == (("engine", None), ("podman-api", "5.0"))


@pytest.mark.parametrize("name", ["missing", "pod", "podman-docker2", "", "Package: x"])
def test_a_name_that_is_not_there_is_not_found(name: str) -> None:
    assert index(listing(stanza("podman"), stanza("podman-docker"))).get(name) is None


@pytest.mark.parametrize("text", ["", "\n", "Origin: nothing\n\n"])
def test_an_empty_list_has_no_packages(text: str) -> None:
    empty = listing(text)
    assert len(empty) == 0
    assert empty.named("a") == []
    assert empty.providers("a") == set()


def test_the_last_stanza_may_end_with_the_file() -> None:
    one = listing((stanza("a") + stanza("b", Provides="c")).rstrip("\n"))
    assert [package.name for package in one.named("b")] == ["b"]
    assert one.providers("c") == {"b"}


def test_the_newest_version_of_all_suites_wins() -> None:
    both = index(
        listing(stanza("a", "1.9"), stanza("b", "1.0-1")),
        listing(stanza("a", "1.10~rc1"), base="http://two.example/debian"),
    )
    found = both.get("a")
    assert found is not None
    assert (found.version, found.url_base) == ("1.10~rc1", "http://two.example/debian")


def test_of_equal_versions_the_earlier_suites_is_taken() -> None:
    both = index(listing(stanza("a")), listing(stanza("a"), base="http://two.example"))
    found = both.get("a")
    assert found is not None
    assert found.url_base == "http://one.example/debian"


def test_a_suite_of_preferred_packages_gives_others_only_last() -> None:
    backports = listing(
        stanza("qemu-system-x86", "11"),
        stanza("seabios", "3"),
        stanza("libc6", "9"),
        stanza("edk2", "7", Source="qemu-roms (7)"),
    )
    merged = Index(
        [
            Part(listing(stanza("qemu-system-x86", "10"), stanza("libc6", "2"))),
            Part(backports, preferred=("qemu-", "qemu-roms")),
        ]
    )
    versions = {
        name: [package.version for package in merged.candidates(name)]
        for name in ("qemu-system-x86", "libc6", "seabios", "edk2")
    }
    assert versions == {
        "qemu-system-x86": ["11", "10"], "libc6": ["2", "9"], "seabios": ["3"], "edk2": ["7"],
    }  # fmt: skip


def test_providers_are_known_by_the_version_that_is_taken() -> None:
    merged = index(
        listing(
            stanza("old", Provides="thing"),
            stanza("yes", Provides="other, thing (= 2)"),
            stanza("also", Provides="thing"),
        ),
        listing(stanza("old", "2.0")),
    )
    assert [package.name for package in merged.providers("thing")] == ["also", "yes"]


def test_a_stanza_without_a_digest_is_refused() -> None:
    broken = listing("Package: a\nVersion: 1\nArchitecture: all\nFilename: a\nSize: 1\n\n")
    with pytest.raises(TamperedError, match="'a'"):
        broken.named("a")


@pytest.mark.parametrize(
    ("relation", "version", "fits"),
    [
        (Relation("a"), None, True),
        (Relation("a", ">=", "1"), None, False),
        (Relation("a", ">=", "1:1"), "2", False),
        (Relation("a", ">=", "1.0"), "1.0", True),
        (Relation("a", "<<", "1.0"), "1.0~rc1", True),
        (Relation("a", "<<", "1.0"), "1.0", False),
        (Relation("a", "<=", "1.0"), "1.0+b1", False),
        (Relation("a", "=", "1.0"), "1.0", True),
        (Relation("a", "=", "1.0"), "1.0-0", True),
        (Relation("a", ">>", "1.0"), "1.0", False),
        (Relation("a", ">>", "1.0"), "1.0.1", True),
    ],
)
def test_versions_are_compared_as_debian_does(
    relation: Relation, version: str | None, fits: object
) -> None:
    assert relation.accepts(version) is fits


def test_the_order_of_versions_has_two_sides() -> None:
    assert compare("1", "2") < 0 < compare("2", "1")


def test_a_version_that_is_none_is_told() -> None:
    with pytest.raises(TamperedError, match="a version in Debian's list is broken"):
        compare("1.0", "\0001.0")
