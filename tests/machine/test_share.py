"""Mounts as people write them: what they mean, what is refused, and where paths come out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.errors import UsageError
from b2p.machine.share import Mount, guest_path, parsed, together


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/src", Mount(host="/src", guest="/src")),
        ("/src/:/in/../mnt", Mount(host="/src", guest="/mnt")),
        ("/src:ro", Mount(host="/src", guest="/src", read_only=True)),
        ("/src:rw", Mount(host="/src", guest="/src")),
        ("//a:cached", Mount(host="/a", guest="/a", cache="loose")),
        ("/a:/b:mmap:ro", Mount(host="/a", guest="/b", read_only=True, cache="mmap")),
        ("/a, b ü:/b", Mount(host="/a, b ü", guest="/b")),
    ],
)
def test_what_is_written_means_one_thing_and_is_written_so_again(text: str, meant: Mount) -> None:
    assert parsed(text) == meant
    assert parsed(str(meant)) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not absolute"),
        ("src", "not absolute"),
        ("~", "not absolute"),
        ("/a:b", "'b' means nothing"),
        ("/a:/b:/c", "says too much"),
        ("/a:ro:/b", "says too much"),
        ("/a:cached:mmap", "says too much"),
        ("/", "the guest's own"),
        ("/a:/", "the guest's own"),
        ("/a:/etc", "the guest's own"),
        ("/a:/usr/local", "the guest's own"),
        ("/a:/x/../proc", "the guest's own"),
        ("/home", "the guest's own"),
        ("/var/lib/containers/storage", "the guest's own"),
    ],
)
def test_what_cannot_be_mounted_is_refused_with_a_way_out(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parsed(text)
    assert caught.value.hint


def test_the_host_may_show_what_in_the_guest_is_its_own() -> None:
    assert parsed("/:/mnt/all:ro").host == "/"
    assert parsed("/etc:/mnt/etc").guest == "/mnt/etc"


def test_outer_mounts_come_first_and_the_later_of_two_at_one_place_is_meant() -> None:
    assert together(["/a/b:/x/y", "/z", "/q:/x", "/c:/z:ro"]) == ("/q:/x", "/a/b:/x/y", "/c:/z:ro")


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        (["/tmp/me", "/tmp"], ("/tmp",)),
        (["/tmp", "/tmp/me:ro"], ("/tmp", "/tmp/me:ro")),
        (["/tmp", "/tmp/me:cached"], ("/tmp", "/tmp/me:cached")),
        (["/tmp", "/other:/tmp/me", "/tmp/me/src"], ("/tmp", "/other:/tmp/me", "/tmp/me/src")),
        (["/tmp-2", "/tmp"], ("/tmp", "/tmp-2")),
        (["/a:/b", "/a/x:/b/x"], ("/a:/b",)),
    ],
)
def test_what_shows_already_is_not_mounted_again(texts: list[str], left: tuple[str, ...]) -> None:
    assert together(texts) == left
    assert together(left) == left


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/home/me", "/home/me"),
        ("/home/me/src", "/home/me/src"),
        ("/home/me2", ""),
        ("/srv/data/x", "/mnt/x"),
        ("/home/me/deep/x", "/home/me/deep/x"),
        ("/all/x", "/x"),
    ],
)
def test_a_path_of_the_host_is_found_in_the_guest(path: str, place: str) -> None:
    mounts = ["/home/me", "/home/me/deep:/deep", "/srv/data:/mnt"]
    if path.startswith("/all"):
        mounts = ["/:/mnt/all"]
        place = "/mnt/all/all/x"
    assert guest_path(mounts, path) == place


@given(st.text(max_size=30), st.lists(st.sampled_from(["ro", "cached", "mmap", "/b", "x", ""])))
def test_whatever_is_written_is_a_mount_or_a_told_mistake(host: str, rest: list[str]) -> None:
    with contextlib.suppress(UsageError):
        found = parsed(":".join([f"/{host}", *rest]))
        assert parsed(str(found)) == found
