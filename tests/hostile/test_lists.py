"""Texts from a mirror and of this computer's apt: Packages, Release, checksums, lock files."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.debian import aptconf, release, sources
from b2p.debian.closure import closure
from b2p.debian.index import Index, Listing, Part
from b2p.families import addresses
from b2p.families.model import InJson
from b2p.formats import checksums
from b2p.image import address, lockfile
from tests import fakes_debian
from tests.hostile_input import documents, harmless, json_values, names, spoiled

PACKAGES = "\n".join(
    [
        fakes_debian.stanza("a", Depends="b (>= 1.0) | c, d:any"),
        fakes_debian.stanza("b", Provides="c (= 2), e"),
        fakes_debian.stanza("d", version="1:2~rc-3"),
    ]
).encode()
RELEASE, _ = fakes_debian.release(PACKAGES.decode())
WORDS = (
    "Package: ",
    "Version: ",
    "Depends: ",
    "Provides: ",
    "Size: ",
    "SHA256: ",
    "Filename: ",
    "\n",
    "\n\n",
    " ",
    ",",
    "|",
    "(>= ",
    ")",
    "a",
    "1:",
    "../../x",
    "é",
)
stanzas = st.lists(st.sampled_from(WORDS) | st.text(max_size=4)).map("".join)


@given(
    spoiled(PACKAGES) | stanzas.map(lambda text: ("Package: a\n" + text).encode("utf-8", "replace"))
)
def test_a_list_of_packages(text: bytes) -> None:
    with harmless():
        index = Index([Part(Listing(text, "http://mirror"))])
        closure(index, ["a"])


@given(spoiled(RELEASE.encode()))
def test_a_list_of_a_suite(text: bytes) -> None:
    with harmless():
        found = release.parsed(text.decode("utf-8", "replace"), where="mirror")
        release.check(found, suite="trixie", arch="amd64", now=datetime.now(UTC), where="mirror")


def test_a_list_that_is_not_signed_is_never_read() -> None:
    sample = fakes_debian.signed(RELEASE, fakes_debian.signing_key())

    @given(spoiled(sample))
    def tried(content: bytes) -> None:
        with harmless():
            release.opened(content, where="mirror")
            raise AssertionError("it was taken for Debian's")

    tried()


@given(
    st.lists(
        st.sampled_from(['"', "{", "}", ";", "::", "//", "/*", "*/", "#", "\n", "Acquire", "http"])
        | st.text(max_size=4)
    ).map("".join)
)
def test_settings_of_apt(text: str) -> None:
    with harmless():
        values = aptconf.parsed([text])
        aptconf.proxies(values)


@given(
    st.lists(
        st.sampled_from(
            [
                "deb ",
                "[",
                "]",
                "http://",
                "Types: deb\n",
                "URIs: ",
                "Suites: ",
                "\n",
                "\n\n",
                " ",
                "#",
                "trixie",
                "main",
            ]
        )
        | st.text(max_size=6)
    ).map("".join)
)
def test_sources_of_apt(text: str) -> None:
    with harmless():
        entries = [*sources.one_line_entries(text), *sources.deb822_entries(text)]
        sources.decided(setting=None, entries=entries, apt={})


@given(names | st.sampled_from(["http://[", "http://a:b", "https://[::1", "http://\u2100", "//"]))
def test_the_address_of_a_mirror(setting: str) -> None:
    with harmless():
        sources.decided(setting=setting, entries=(), apt={})


ADDRESSES = names | st.sampled_from(
    [
        "http://[",
        "http://[x]/y",
        "file://host/x",
        "ftp://x/y",
        "http://a/%00",
        "file:///%2e%2e/x",
        "https://a/..",
        "https://a/b/%2e%2e%2fx",
        "://",
        "http://\u2100/x",
    ]
)


@given(ADDRESSES, ADDRESSES)
def test_the_address_of_an_image(text: str, mirror: str) -> None:
    with harmless():
        address.is_address(text)
        assert "/" not in address.file_name(text)
        assert address.file_name(text) not in ("", ".", "..")
        address.local(text)
        address.mirrored(text, mirror)


DIGEST = "0" * 64
SUMS = f"{DIGEST}  image.iso\nSHA256 (image.iso) = {DIGEST}\n# SHA512 HASH\n".encode()


@pytest.mark.parametrize("form", ["lines", "bare", "digests", "debian-json", "stream-json"])
@given(
    spoiled(SUMS)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.just(b"[" * 100_000)
)
def test_a_file_of_checksums(form: str, content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    with harmless():
        checksums.without_signature(text)
        checksums.uncompressed(text, "image.iso")
        found = checksums.find(text, "image.iso", form)
        assert set(found.hex) <= set("0123456789abcdef")


@given(json_values.map(json.dumps) | st.text(max_size=50) | st.just("[" * 100_000))
def test_an_answer_that_should_name_a_release(text: str) -> None:
    with harmless():
        found = addresses.answered(InJson(address="http://x", path=("a", "b")), text=text)
        assert "/" not in found["version"]


@given(
    documents(
        schema=1,
        arch="amd64",
        suite="trixie",
        recipe="r",
        image="i",
        extra=[],
        packages=[
            {
                "name": "a",
                "version": "1",
                "arch": "amd64",
                "filename": "pool/a.deb",
                "size": 1,
                "sha256": DIGEST,
                "security": False,
            }
        ],
    )
)
def test_a_lock_file(content: bytes) -> None:
    with harmless():
        found = lockfile.parsed(content, where="lock")
        for one in found.packages:
            assert not one.filename.startswith("/")
            assert ".." not in one.filename.split("/")
            lockfile.text(found)
