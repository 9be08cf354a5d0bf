"""The archive against a small Debian on 127.0.0.1, signed by a key of our own."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from b2p import threads
from b2p.debian import release as releases
from b2p.debian.archive import Archive, StaleIndexError, Suite
from b2p.debian.sources import Sources
from b2p.errors import DownloadError, TamperedError
from b2p.threads import StoppedError
from tests import fakes_debian
from tests.fakes_debian import ListeningReport, Site, served, stanza

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from b2p.debian.index import Index, Package

KEY = fakes_debian.signing_key()
NOW = 1795478400.0
"""2026-11-24."""
TRIXIE = [Suite("trixie")]
INRELEASE = "/debian/dists/trixie/InRelease"
NEWER = "Sun, 22 Nov 2026 09:15:44 UTC"


@pytest.fixture(autouse=True)
def _trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "certificates", lambda: (KEY.extract_certificate(),))


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as site:
        yield site


@pytest.fixture
def report() -> ListeningReport:
    return ListeningReport()


@pytest.fixture
def archive(
    site: Site, report: ListeningReport, tmp_path: Path
) -> Iterator[Callable[..., Archive]]:
    """Makes archives with the same cache, as one run of b2p after the other does."""
    made: list[Archive] = []

    def make(*mirrors: str, now: float = NOW, check_valid_until: bool = True) -> Archive:
        made.append(
            Archive(
                sources=Sources(
                    mirrors or (f"{site.address}/debian",),
                    (f"{site.address}/debian-security",),
                    check_valid_until=check_valid_until,
                ),
                cache_indexes=tmp_path / "indexes",
                cache_debs=tmp_path / "debs",
                report=report,
                clock=lambda: now,
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


def publish(
    site: Site, *packages: str, suite: str = "trixie", place: str = "/debian", **fields: str
) -> None:
    """Put a suite with these packages, and their files, on the site."""
    text, files = fakes_debian.release("".join(packages), suite=suite, **fields)
    base = f"{place}/dists/{suite}"
    for path in [path for path in site.files if path.startswith(base)]:
        del site.files[path]
    site.files[f"{base}/InRelease"] = fakes_debian.signed(text, KEY)
    for path, content in files.items():
        site.files[f"{base}/{path}"] = content
    for package in packages:
        known = dict(line.split(": ", 1) for line in package.strip().splitlines())
        content = f"{known['Package']} {known['Version']}".encode()
        site.files[f"{place}/{known['Filename']}"] = content


def package(index: Index, name: str) -> Package:
    found = index.get(name)
    assert found is not None
    return found


def age(tmp_path: Path, *, now: float = NOW, seconds: float = 7200) -> None:
    """Let the kept lists have been read that long before."""
    for path in (tmp_path / "indexes").glob("*.InRelease"):
        os.utime(path, (now - seconds, now - seconds))


def test_an_index_is_read_and_its_packages_fetched(
    site: Site, archive: Callable[..., Archive], report: ListeningReport, tmp_path: Path
) -> None:
    publish(site, stanza("a"), stanza("b"))
    debian = archive()
    index = debian.index(TRIXIE, "amd64")
    seen = []
    packages = [package(index, name) for name in ("a", "b")]
    paths = debian.fetch(packages, title="packages", each=lambda one, path: seen.append(one.name))
    assert paths["a"].read_bytes() == b"a 1.0"
    assert paths["b"] == tmp_path / "debs" / f"{packages[1].sha256}.deb"
    assert sorted(seen) == ["a", "b"]
    assert report.tasks[-1].done == report.tasks[-1].total == 10


def test_suites_are_merged_and_security_comes_from_its_own_mirror(
    site: Site, archive: Callable[..., Archive]
) -> None:
    publish(site, stanza("a"), stanza("b"))
    publish(site, stanza("a", "1.1"), suite="trixie-security", place="/debian-security")
    debian = archive()
    index = debian.index([*TRIXIE, Suite("trixie-security", security=True)], "amd64")
    safe = package(index, "a")
    assert safe.version == "1.1"
    assert debian.fetch([safe], title="x")["a"].read_bytes() == b"a 1.1"


def test_kept_lists_are_taken_for_an_hour_without_a_request(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a"))
    archive().index(TRIXIE, "amd64")
    age(tmp_path, seconds=600)
    site.requests.clear()
    assert package(archive().index(TRIXIE, "amd64"), "a").version == "1.0"
    assert not site.requests


def test_an_unchanged_inrelease_is_all_that_is_read_again(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a"))
    archive().index(TRIXIE, "amd64")
    age(tmp_path)
    site.requests.clear()
    archive().index(TRIXIE, "amd64")
    assert site.paths() == [INRELEASE]


def test_one_archive_reads_a_suite_once(site: Site, archive: Callable[..., Archive]) -> None:
    publish(site, stanza("a"))
    debian = archive()
    debian.index(TRIXIE, "amd64")
    before = len(site.requests)
    debian.index(TRIXIE, "amd64")
    assert len(site.requests) == before
    debian.index(TRIXIE, "amd64", refresh=True)
    assert len(site.requests) == before + 1


def test_a_damaged_kept_list_is_read_anew(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a"))
    archive().index(TRIXIE, "amd64")
    for path in (tmp_path / "indexes").iterdir():
        path.write_bytes(b"damaged")
    assert package(archive().index(TRIXIE, "amd64"), "a").version == "1.0"


def test_a_tampered_inrelease_is_refused_at_once_by_mirror_and_file(
    site: Site, archive: Callable[..., Archive]
) -> None:
    publish(site, stanza("a"), Version="13")
    publish(site, stanza("a"), place="/other")
    site.files[INRELEASE] = site.files[INRELEASE].replace(b"Version: 13", b"Version: 14")
    debian = archive(f"{site.address}/debian", f"{site.address}/other")
    with pytest.raises(TamperedError) as failure:
        debian.index(TRIXIE, "amd64")
    assert f"{site.address}{INRELEASE}" in failure.value.message
    assert site.paths() == [INRELEASE]


def test_a_tampered_list_of_packages_is_refused(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a"))
    (path,) = (path for path in site.files if "by-hash" in path)
    site.files[path] = site.files[path][:-1] + b"x"
    with pytest.raises(TamperedError, match="by-hash"):
        archive().index(TRIXIE, "amd64")
    assert not list((tmp_path / "indexes").glob("*.packages"))


def test_a_tampered_package_is_refused(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a"))
    site.files["/debian/pool/main/a_1.0_amd64.deb"] = b"a 6.6"
    debian = archive()
    with pytest.raises(TamperedError, match=r"a_1\.0_amd64"):
        debian.fetch([package(debian.index(TRIXIE, "amd64"), "a")], title="x")
    assert not list((tmp_path / "debs").glob("*.deb"))


def test_a_mirror_that_is_gone_is_passed_over_with_a_warning(
    site: Site, archive: Callable[..., Archive], report: ListeningReport
) -> None:
    publish(site, stanza("a"))
    debian = archive("http://127.0.0.1:1/debian", f"{site.address}/debian")
    found = package(debian.index(TRIXIE, "amd64"), "a")
    assert found.url_base == f"{site.address}/debian"
    assert debian.fetch([found], title="x")["a"].read_bytes() == b"a 1.0"
    assert len(report.warnings) == 1


def test_an_address_that_is_no_mirror_is_passed_over_with_a_warning(
    site: Site, archive: Callable[..., Archive], report: ListeningReport
) -> None:
    publish(site, stanza("a"))
    wrong = f"{site.address}/nothing"
    archive(wrong, f"{site.address}/debian").index(TRIXIE, "amd64")
    assert [wrong in warning for warning in report.warnings] == [True]


def test_without_any_mirror_the_error_names_one(archive: Callable[..., Archive]) -> None:
    debian = archive("http://127.0.0.1:1/debian", "http://127.0.0.1:2/debian")
    debian._fetcher.pause = 0.01
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:1") as failure:
        debian.index(TRIXIE, "amd64")
    assert "127.0.0.1:2" in failure.value.details


def test_without_any_mirror_kept_lists_serve_with_one_warning(
    site: Site, archive: Callable[..., Archive], report: ListeningReport, tmp_path: Path
) -> None:
    publish(site, stanza("a"))
    publish(site, stanza("b"), suite="trixie-updates")
    suites = [*TRIXIE, Suite("trixie-updates")]
    archive().index(suites, "amd64")
    age(tmp_path)
    debian = archive("http://127.0.0.1:1/debian")
    debian._fetcher.pause = 0.01
    index = debian.index(suites, "amd64")
    assert package(index, "a").version == "1.0"
    assert [warning for warning in report.warnings if "2026-11-21" in warning] == report.warnings
    assert len(report.warnings) == 1


def test_kept_lists_that_expired_do_not_serve(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a"), Valid_Until="Sat, 28 Nov 2026 00:53:03 UTC")
    archive().index(TRIXIE, "amd64")
    later = NOW + 7 * 86400
    age(tmp_path, now=later)
    debian = archive("http://127.0.0.1:1/debian", now=later)
    debian._fetcher.pause = 0.01
    with pytest.raises(DownloadError, match="cannot fetch"):
        debian.index(TRIXIE, "amd64")


def test_an_expired_mirror_is_passed_over_for_a_current_one(
    site: Site, archive: Callable[..., Archive]
) -> None:
    publish(site, stanza("a", "0.9"), place="/old", Valid_Until="Mon, 23 Nov 2026 00:00:00 UTC")
    publish(site, stanza("a"))
    old, current = f"{site.address}/old", f"{site.address}/debian"
    assert package(archive(old, current).index(TRIXIE, "amd64"), "a").url_base == current


def test_an_expired_list_is_refused_unless_the_settings_allow_it(
    site: Site, archive: Callable[..., Archive]
) -> None:
    publish(site, stanza("a"), Valid_Until="Mon, 23 Nov 2026 00:00:00 UTC")
    with pytest.raises(DownloadError, match="expired") as failure:
        archive().index(TRIXIE, "amd64")
    assert "check_valid_until" in failure.value.hint
    assert archive(check_valid_until=False).index(TRIXIE, "amd64").get("a")


def test_an_older_list_than_the_kept_one_is_not_gone_back_to(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a", "2.0"), Date=NEWER)
    archive().index(TRIXIE, "amd64")
    age(tmp_path)
    publish(site, stanza("a", "1.0"))
    assert package(archive().index(TRIXIE, "amd64"), "a").version == "2.0"


def test_a_package_that_is_gone_makes_the_lists_be_read_anew_once(
    site: Site, archive: Callable[..., Archive]
) -> None:
    publish(site, stanza("a", "1.0"))
    debian = archive()
    debian.index(TRIXIE, "amd64")
    del site.files["/debian/pool/main/a_1.0_amd64.deb"]
    publish(site, stanza("a", "1.1"), Date=NEWER)
    paths = debian.with_fresh_index(
        TRIXIE, "amd64", lambda index: debian.fetch([package(index, "a")], title="x")
    )
    assert paths["a"].read_bytes() == b"a 1.1"


def test_a_package_that_stays_away_is_told_after_one_more_reading(
    site: Site, archive: Callable[..., Archive]
) -> None:
    publish(site, stanza("a"))
    del site.files["/debian/pool/main/a_1.0_amd64.deb"]
    debian = archive()
    with pytest.raises(StaleIndexError, match=r"a_1\.0_amd64"):
        debian.with_fresh_index(
            TRIXIE, "amd64", lambda index: debian.fetch([package(index, "a")], title="x")
        )
    assert site.paths().count(INRELEASE) == 2


def test_a_list_that_is_gone_from_the_mirror_is_stale(
    site: Site, archive: Callable[..., Archive]
) -> None:
    publish(site, stanza("a"))
    for path in [path for path in site.files if "by-hash" in path]:
        del site.files[path]
    with pytest.raises(StaleIndexError):
        archive().index(TRIXIE, "amd64")


def test_a_suite_that_no_mirror_has_is_told(archive: Callable[..., Archive]) -> None:
    with pytest.raises(DownloadError, match="dists/trixie/InRelease"):
        archive().index(TRIXIE, "amd64")


def test_lists_of_earlier_days_do_not_pile_up(
    site: Site, archive: Callable[..., Archive], tmp_path: Path
) -> None:
    publish(site, stanza("a"))
    archive().index(TRIXIE, "amd64")
    publish(site, stanza("a", "1.1"), Date=NEWER)
    archive().index(TRIXIE, "amd64", refresh=True)
    names = sorted(path.suffix for path in (tmp_path / "indexes").iterdir())
    assert names == [".InRelease", ".packages"]


def test_stop_ends_what_another_thread_fetches(
    site: Site, archive: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(site, stanza("a"))
    site.faults[INRELEASE] = ["hang"]
    debian = archive()
    monkeypatch.setattr(threads, "_FAREWELL", 0.1)
    threading.Timer(0.1, debian.stop).start()
    before = time.monotonic()
    with pytest.raises(StoppedError):
        debian.index(TRIXIE, "amd64")
    assert time.monotonic() - before < 30
    site.release.set()
