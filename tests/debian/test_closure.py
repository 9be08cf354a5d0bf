"""Dependencies followed to the end."""

from __future__ import annotations

import pytest

from b2p.debian.closure import closure
from b2p.debian.index import Index, Listing, Part
from b2p.errors import DownloadError
from tests.fakes_debian import stanza


def names(stanzas: list[str], *roots: str, without: tuple[str, ...] = ()) -> list[str]:
    index = Index([Part(Listing("".join(stanzas).encode(), "http://x"))])
    return [package.name for package in closure(index, roots, without=without)]


def test_what_is_needed_by_what_is_needed_comes_along() -> None:
    stanzas = [
        stanza("a", Depends="b (>= 1), c"),
        stanza("b", Pre_Depends="d"),
        stanza("c", Depends="a"),
        stanza("d"),
        stanza("e"),
    ]
    assert names(stanzas, "a") == ["a", "b", "c", "d"]


def test_of_alternatives_the_first_that_exists_is_taken() -> None:
    assert names([stanza("a", Depends="x | c | b"), stanza("b"), stanza("c")], "a") == ["a", "c"]


def test_of_alternatives_the_one_that_is_chosen_already_is_taken() -> None:
    stanzas = [stanza("a", Depends="c | b"), stanza("b"), stanza("c")]
    assert names(stanzas, "a", "b") == ["a", "b"]


def test_an_alternative_that_is_too_old_is_passed_over() -> None:
    stanzas = [stanza("a", Depends="b (>= 2) | c"), stanza("b", "1"), stanza("c")]
    assert names(stanzas, "a") == ["a", "c"]


def test_a_provider_serves_for_a_virtual_package() -> None:
    stanzas = [
        stanza("a", Depends="bus"),
        stanza("daemon", Provides="bus"),
        stanza("broker", Provides="bus"),
    ]
    assert names(stanzas, "a") == ["a", "broker"]
    assert names(stanzas, "a", "daemon") == ["a", "daemon"]


def test_a_real_alternative_goes_before_a_provider() -> None:
    stanzas = [stanza("a", Depends="virtual | real"), stanza("real"),
               stanza("other", Provides="virtual")]  # fmt: skip
    assert names(stanzas, "a") == ["a", "real"]


def test_a_provider_without_a_version_does_not_fulfil_a_versioned_need() -> None:
    vague = [stanza("a", Depends="api (>= 2)"), stanza("b", Provides="api")]
    with pytest.raises(DownloadError, match=r"a 1\.0 needs api \(>= 2\)"):
        names(vague, "a")
    exact = [stanza("a", Depends="api (>= 2)"), stanza("b", Provides="api (= 2.1)")]
    assert names(exact, "a") == ["a", "b"]


def test_what_is_left_out_counts_as_there() -> None:
    stanzas = [stanza("a", Depends="perl (>= 99), debconf (>= 0.5) | debconf-2.0, b"), stanza("b")]
    assert names(stanzas, "a", without=("perl", "debconf")) == ["a", "b"]


def test_a_virtual_name_can_be_asked_for() -> None:
    assert names([stanza("b", Provides="bus")], "bus") == ["b"]


def test_a_name_that_nobody_has_is_told() -> None:
    with pytest.raises(DownloadError, match="no package 'nonesuch'"):
        names([stanza("a")], "nonesuch")


def test_a_need_that_nobody_fulfils_is_told_whole() -> None:
    with pytest.raises(DownloadError, match=r"a 1\.0 needs b \(>= 2\) \| c,"):
        names([stanza("a", Depends="b (>= 2) | c"), stanza("b")], "a")


def test_qualifiers_of_other_architectures_do_not_matter() -> None:
    stanzas = [stanza("a", Depends="b:any, python3:native (>= 1)"), stanza("b"), stanza("python3")]
    assert names(stanzas, "a") == ["a", "b", "python3"]


def test_a_version_chosen_before_gives_way_to_one_that_fits_all() -> None:
    main = Listing(
        (
            stanza("first", Depends="lib")
            + stanza("lib", "1", Depends="only-old")
            + stanza("only-old")
        ).encode(),
        "http://main",
    )
    backports = Listing(
        (stanza("tool", "2", Depends="first, lib (>= 2)") + stanza("lib", "2")).encode(),
        "http://backports",
    )
    index = Index([Part(main), Part(backports, preferred=("tool",))])
    chosen = closure(index, ["first", "tool"])
    assert [(package.name, package.version) for package in chosen] == [
        ("first", "1.0"), ("lib", "2"), ("tool", "2"),
    ]  # fmt: skip


def test_needs_that_contradict_each_other_are_told() -> None:
    stanzas = [
        stanza("a", Depends="lib (>= 2)"),
        stanza("b", Depends="lib (<< 2)"),
        stanza("lib", "1"),
        stanza("lib", "2"),
    ]
    with pytest.raises(DownloadError, match=r"needs lib"):
        names(stanzas, "a", "b")


def test_the_order_of_the_roots_does_not_change_the_order_of_the_result() -> None:
    stanzas = [stanza("a"), stanza("b", Depends="a"), stanza("c")]
    assert names(stanzas, "c", "b") == names(stanzas, "b", "c", "b") == ["a", "b", "c"]
