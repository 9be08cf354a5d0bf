"""Signed lists: whose signature counts, and for what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from b2p.debian import release as releases
from b2p.errors import DownloadError, TamperedError
from b2p.fetch import UnfitError
from tests import fakes_debian

if TYPE_CHECKING:
    from b2p.debian.release import Release

WHERE = "http://mirror.example/dists/trixie/InRelease"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = fakes_debian.signing_key()


@pytest.fixture
def _trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "certificates", lambda: (KEY.extract_certificate(),))


def text(**fields: str) -> str:
    return fakes_debian.release(fakes_debian.stanza("a"), **fields)[0]


def release(**fields: str) -> Release:
    return releases.parsed(text(**fields), where=WHERE)


def check(one: Release, *, suite: str = "trixie", arch: str = "amd64", **strict: bool) -> None:
    releases.check(one, suite=suite, arch=arch, now=NOW, where=WHERE, **strict)


@pytest.mark.usefixtures("_trusted")
def test_what_a_trusted_key_signed_is_read() -> None:
    one = releases.opened(fakes_debian.signed(text(), KEY), where=WHERE)
    assert one.names == {"stable", "trixie"}
    assert one.by_hash
    assert set(one.files) == {"main/binary-amd64/Packages", "main/binary-amd64/Packages.xz"}
    check(one)


@pytest.mark.usefixtures("_trusted")
def test_text_around_the_signed_one_is_not_read() -> None:
    signed = fakes_debian.signed(text(), KEY)
    one = releases.opened(b"Suite: evil\n\n" + signed + b"Suite: evil\n", where=WHERE)
    assert one.names == {"stable", "trixie"}


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize("change", [(b"trixie", b"trixiE"), (b"amd64", b"arm64"), (b": 1", b": 2")])
def test_a_changed_byte_is_refused_with_the_address(change: tuple[bytes, bytes]) -> None:
    signed = fakes_debian.signed(text(Version="13"), KEY)
    assert change[0] in signed
    with pytest.raises(TamperedError) as failure:
        releases.opened(signed.replace(*change, 1), where=WHERE)
    assert WHERE in failure.value.message
    assert "\n" not in failure.value.message
    assert failure.value.hint


def test_the_signature_of_a_stranger_is_refused() -> None:
    with pytest.raises(TamperedError, match="not Debian's"):
        releases.opened(fakes_debian.signed(text(), KEY), where=WHERE)


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize("page", [b"", b"<html>log in</html>", text().encode()])
def test_what_is_not_signed_at_all_is_refused(page: bytes) -> None:
    with pytest.raises(TamperedError, match="not a signed list"):
        releases.opened(page, where=WHERE)


@pytest.mark.usefixtures("_trusted")
def test_a_signed_text_of_another_kind_is_refused() -> None:
    with pytest.raises(TamperedError, match="not a list of a Debian suite"):
        releases.opened(fakes_debian.signed("Hello\n", KEY), where=WHERE)


def test_debians_keys_are_shipped_as_their_readme_says() -> None:
    readme = (releases.KEYS / "README.md").read_text()
    fingerprints = {key.fingerprint.upper() for key in releases.certificates()}
    assert len(fingerprints) == 6
    assert all(f"`{fingerprint}`" in readme for fingerprint in fingerprints)


def test_debians_keys_hold_for_years_to_come() -> None:
    for key in releases.certificates():
        assert key.expiration is None or key.expiration > datetime(2030, 1, 1, tzinfo=UTC)


def test_a_list_of_another_suite_is_refused() -> None:
    with pytest.raises(TamperedError, match="not of forky"):
        check(release(), suite="forky")


def test_a_list_may_be_asked_for_by_its_suites_name() -> None:
    check(release(), suite="stable")


def test_a_list_without_the_architecture_is_refused() -> None:
    with pytest.raises(UnfitError, match="riscv64"):
        check(release(), arch="riscv64")


def test_an_expired_list_is_refused_unless_that_is_allowed() -> None:
    old = release(Valid_Until="Mon, 23 Nov 2026 23:59:00 UTC")
    with pytest.raises(DownloadError, match="expired at 2026-11-23"):
        check(old)
    check(old, check_valid_until=False)


def test_a_list_of_the_future_is_refused_unless_that_is_allowed() -> None:
    soon = (NOW + timedelta(hours=2)).strftime("%a, %d %b %Y %H:%M:%S UTC")
    with pytest.raises(UnfitError, match="future") as failure:
        check(release(Date=soon))
    assert "clock" in failure.value.hint
    check(release(Date=soon), check_date=False)


def test_a_clock_a_few_minutes_off_does_no_harm() -> None:
    check(release(Date=(NOW + timedelta(minutes=9)).strftime("%a, %d %b %Y %H:%M:%S UTC")))
