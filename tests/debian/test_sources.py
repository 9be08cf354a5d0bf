"""Where packages come from, decided from apt's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.debian import aptconf
from b2p.debian.sources import (
    PUBLIC,
    PUBLIC_SECURITY,
    Sources,
    deb822_entries,
    from_computer,
    one_line_entries,
)
from b2p.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

MIRROR = "http://mirror.example/debian"


def found(directory: Path, files: dict[str, str] | None = None, setting: str = "") -> Sources:
    """The sources of a computer with these files below /etc/apt."""
    for name, text in (files or {}).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return from_computer(setting=setting, apt_root=directory)


def test_a_computer_without_apt_uses_public_mirrors(tmp_path: Path) -> None:
    assert found(tmp_path / "none") == Sources(PUBLIC, PUBLIC_SECURITY)


def test_the_setting_comes_before_apt_and_apt_before_the_public(tmp_path: Path) -> None:
    sources = found(
        tmp_path,
        {"sources.list": f"deb {MIRROR} bookworm main\n"},
        setting="https://mine.example/debian/",
    )
    assert sources.mirrors == ("https://mine.example/debian", MIRROR, *PUBLIC)
    assert sources.security_mirrors == (
        "https://mine.example/debian-security", f"{MIRROR}-security", *PUBLIC_SECURITY,
    )  # fmt: skip


@pytest.mark.parametrize("wrong", ["ftp.example/debian", "file:///srv", "https://", "http://a b/"])
def test_a_setting_that_is_no_address_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(UsageError, match="is not an address"):
        found(tmp_path, setting=wrong)


def test_one_line_sources_are_read_with_options_and_comments() -> None:
    text = """
    # deb http://commented.example/debian trixie main
    deb [ arch=amd64 signed-by=/x.gpg ] http://a.example/debian/ trixie main contrib # why not
    deb-src http://a.example/debian trixie main
    deb
    """
    (entry,) = one_line_entries(text)
    assert entry.uri == "http://a.example/debian"
    assert entry.suite == "trixie"
    assert entry.components == ("main", "contrib")
    assert entry.options == {"arch": "amd64", "signed-by": "/x.gpg"}


def test_deb822_sources_are_read_without_disabled_ones() -> None:
    text = """# a comment
Types: deb deb-src
URIs: http://a.example/debian http://b.example/debian/
Suites: trixie trixie-updates
Components: main
# another
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: trixie
Components: main
"""
    entries = list(deb822_entries(text))
    assert [(entry.uri, entry.suite) for entry in entries] == [
        ("http://a.example/debian", "trixie"),
        ("http://a.example/debian", "trixie-updates"),
        ("http://b.example/debian", "trixie"),
        ("http://b.example/debian", "trixie-updates"),
    ]
    assert "BEGIN PGP" in entries[0].options["signed-by"]


@pytest.mark.parametrize(
    "line",
    [
        "deb https://download.example/linux/debian trixie stable",
        "deb [signed-by=/etc/apt/keyrings/wine.gpg] https://wine.example/debian trixie main",
        "deb http://archive.example/ubuntu noble main",
        "deb http://packages.example/debian cloud-sdk main",
        "deb mirror+file:/etc/apt/mirrors/debian trixie main",
        "deb cdrom:[Debian_13]/debian trixie main",
        "deb file:/srv/debian trixie main",
        "deb http://apt.example/repos trixie main",
    ],
)
def test_what_is_no_mirror_of_debian_is_left_out(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, {"sources.list": line + "\n"}).mirrors == PUBLIC


def test_where_one_source_surely_is_debian_its_doubles_are_left_out(tmp_path: Path) -> None:
    text = f"""
deb http://boards.example/debian trixie main
deb {MIRROR} trixie main
deb {MIRROR} trixie-updates main
"""
    assert found(tmp_path, {"sources.list": text}).mirrors == (MIRROR, *PUBLIC)


def test_a_security_mirror_is_told_from_a_mirror(tmp_path: Path) -> None:
    text = f"""Types: deb
URIs: {MIRROR}
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://safe.example/debian-security/
Suites: trixie-security
Components: main
"""
    sources = found(tmp_path, {"sources.list.d/debian.sources": text})
    assert sources.mirrors == (MIRROR, *PUBLIC)
    assert sources.security_mirrors[0] == "http://safe.example/debian-security"


def test_both_notations_of_aptconf_are_read() -> None:
    text = """
// Acquire::Check-Date "false";
# Acquire::Check-Date "false";
/* Acquire::Check-Date
   "false"; */
Acquire::Check-Valid-Until "false";
acquire { http { Proxy "http://proxy.example:3128/"; }; Retries 3; };
APT { NeverAutoRemove { "^linux-.*"; "a // b"; }; };
#clear something;
DPkg::Pre-Install-Pkgs {"/usr/sbin/dpkg-preconfigure --apt || true";};
"""
    values = aptconf.parsed([text, 'Acquire::Retries "4";'])
    assert values == {
        "acquire::check-valid-until": "false",
        "acquire::http::proxy": "http://proxy.example:3128/",
        "acquire::retries": "4",
    }


@pytest.mark.parametrize("text", ["}", "}}; {", '"', "Acquire::", "a {", "a b c;;;", "/*"])
def test_a_broken_aptconf_is_read_as_far_as_it_goes(text: str) -> None:
    values = aptconf.parsed([text, 'Acquire::Check-Date "no";'])
    assert aptconf.is_off(values, "Acquire::Check-Date")


def test_apt_may_allow_expired_lists(tmp_path: Path) -> None:
    assert found(tmp_path).check_valid_until
    sources = found(tmp_path, {"apt.conf.d/99snap": 'Acquire::Check-Valid-Until "0";'})
    assert not sources.check_valid_until
    assert sources.check_date


def test_a_source_may_allow_expired_lists(tmp_path: Path) -> None:
    sources = found(tmp_path, {"sources.list": f"deb [check-valid-until=no] {MIRROR} trixie main"})
    assert not sources.check_valid_until


def test_the_setting_may_allow_expired_lists(tmp_path: Path) -> None:
    sources = from_computer(setting=None, apt_root=tmp_path, check_valid_until=False)
    assert not sources.check_valid_until


def test_files_that_apt_does_not_read_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "apt.conf.d").mkdir()
    for name in ("99x.dpkg-old", "99x~", ".hidden"):
        (tmp_path / "apt.conf.d" / name).write_text('Acquire::Check-Date "false";')
    assert from_computer(setting=None, apt_root=tmp_path).check_date


def test_proxies_of_apt_are_known_by_scheme_and_host() -> None:
    text = """
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::http::Proxy::near.example "DIRECT";
Acquire::https::Verify-Peer "true";
"""
    values = aptconf.parsed([text])
    assert aptconf.proxies(values) == {
        "http://": "http://proxy.example:3128",
        "https://": "http://proxy.example:3128",
        "http://near.example": None,
    }
