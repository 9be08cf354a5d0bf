"""Addresses of images and their places on a mirror."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2p.errors import UsageError
from b2p.image import address


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("https://example.org/a.iso", None),
        ("file:///srv/a%20b.iso", Path("/srv/a b.iso")),
        ("file://localhost/srv/a.iso", Path("/srv/a.iso")),
        ("/srv/a?b.iso", Path("/srv/a?b.iso")),
        ("./a.iso", Path("a.iso")),
    ],
)
def test_what_lies_on_this_computer(text: str, path: Path | None) -> None:
    assert address.local(text) == path


@pytest.mark.parametrize("text", ["ftp://example.org/a.iso", "file://other/a.iso"])
def test_what_b2p_does_not_fetch(text: str) -> None:
    with pytest.raises(UsageError, match=text):
        address.local(text)


@pytest.mark.parametrize(
    ("mirror", "there"),
    [
        ("", "https://github.com/b/releases/x.iso?raw=1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/b/releases/x.iso?raw=1"),
        ("http://mirror/images/", "http://mirror/images/b/releases/x.iso?raw=1"),
        ("file:///srv/mirror", "file:///srv/mirror/b/releases/x.iso?raw=1"),
        ("/srv/m", "file:///srv/m/b/releases/x.iso?raw=1"),
    ],
)
def test_a_mirror_stands_in_for_scheme_and_host(mirror: str, there: str) -> None:
    assert address.mirrored("https://github.com/b/releases/x.iso?raw=1", mirror) == there


def test_a_path_is_never_mirrored() -> None:
    assert address.mirrored("/srv/a.iso", "http://mirror") == "/srv/a.iso"
    assert address.mirrored("file:///srv/a.iso", "http://mirror") == "file:///srv/a.iso"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://x/a/b%20c.iso?download=1", "b c.iso"),
        ("https://x/a/..", "image"),
        ("https://x/", "image"),
        ("https://x/..%2Fetc%2Fpasswd", "passwd"),
        ("/srv/disk.qcow2", "disk.qcow2"),
        (f"https://x/{'a' * 300}.iso", "a" * 56 + ".iso"),
    ],
)
def test_a_files_name_is_never_a_path(text: str, name: str) -> None:
    assert address.file_name(text) == name


def test_names_of_families_and_digests_are_no_addresses() -> None:
    assert not address.is_address("fedora-coreos")
    assert not address.is_address("0123abcd")
    assert address.is_address("./disk.img")
    assert address.is_address("file:/x")
