"""Images from elsewhere, by a server that misbehaves, into a cache that stays whole."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import lzma
import threading
from typing import TYPE_CHECKING, Any

import pytest

from b2p.errors import B2PError, DownloadError, HostError, TamperedError, UsageError
from b2p.fetch import Fetcher
from b2p.image import downloads, pull
from b2p.image.pull import Puller, Signature, Wanted
from tests.fakes_debian import ListeningReport, Site, served, signing_key
from tests.formats.test_partitions import ESP, gpt
from tests.image.test_proof import detached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISK = bytes(gpt((ESP, "EFI-SYSTEM", 2048, 4095)))
DIGEST = hashlib.sha256(DISK).hexdigest()


class Case:
    """A server, a cache, and who listens."""

    def __init__(self, site: Site, root: Path) -> None:
        self.site = site
        self.media = root / "media"
        self.report = ListeningReport()
        self.fetcher = Fetcher(self.report, pause=0.01)
        self.locks: dict[str, threading.Lock] = {}
        self.url = site.address + "/dir/disk.raw"
        site.files["/dir/disk.raw"] = DISK

    @contextlib.contextmanager
    def hold(self, key: str) -> Iterator[None]:
        with self.locks.setdefault(key, threading.Lock()):
            yield

    def puller(self, mirror: str = "") -> Puller:
        return Puller(
            self.media, fetcher=self.fetcher, report=self.report, hold=self.hold, mirror=mirror
        )

    def pull(self, address: str = "", **known: Any) -> pull.Pulled:
        return self.puller().pull(Wanted(address=address or self.url, **known))

    def left(self) -> list[str]:
        """Files of the cache that are no whole image's and no notes."""
        return [
            str(path.relative_to(self.media))
            for path in self.media.rglob("*")
            if path.is_file() and path.stat().st_size and path.name.endswith((".part", ".raw"))
        ]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with served() as site:
        case = Case(site, tmp_path)
        yield case
        case.fetcher.close()


def test_an_image_is_fetched_once_and_named_by_its_digest(case: Case) -> None:
    found = case.pull()
    assert found == pull.Pulled(
        path=case.media / DIGEST / "image", digest=DIGEST, name="disk.raw", in_cache=True
    )
    assert found.path.read_bytes() == DISK
    assert case.pull() == found
    assert case.puller().known(Wanted(address=case.url)) == found
    assert len(case.site.requests) == 1
    assert not case.left()


def test_what_was_promised_is_checked_and_then_needs_no_address(case: Case) -> None:
    sha512 = ("sha512", hashlib.sha512(DISK).hexdigest())
    case.pull(digest=sha512)
    gone = Wanted(address=case.site.address + "/gone", digest=("sha256", DIGEST.upper()))
    assert case.puller().pull(gone).digest == DIGEST
    assert case.puller().known(Wanted(address="http://x.invalid/", digest=sha512)) is not None
    assert case.puller().pull(gone, refresh=True).digest == DIGEST
    assert len(case.site.requests) == 1


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_wrong_digest_leaves_nothing(case: Case, algorithm: str) -> None:
    with pytest.raises(TamperedError, match="not the file that was promised"):
        case.pull(digest=(algorithm, "00"))
    assert downloads.every(case.media) == []
    assert not case.left()


@pytest.mark.parametrize("ending", ["xz", "gz"])
def test_a_packed_image_lies_there_unpacked_alone(case: Case, ending: str) -> None:
    packed = lzma.compress(DISK) if ending == "xz" else gzip.compress(DISK)
    case.site.files[f"/d.raw.{ending}"] = packed
    digest = hashlib.sha256(packed).hexdigest()
    found = case.pull(f"{case.site.address}/d.raw.{ending}", digest=("sha256", digest))
    assert found.digest == digest
    assert found.path.read_bytes() == DISK
    assert [path.name for path in (case.media / digest).iterdir() if path != found.path] == [
        "manifest.json"
    ]
    assert not list((case.media / downloads.PARTIAL).iterdir())


@pytest.mark.parametrize(
    ("fault", "content", "error", "words"),
    [
        ([], b"<!doctype html><title>Sign in", UsageError, "web page"),
        ([], b"just text", UsageError, "not an image"),
        ([], b"", UsageError, "empty"),
        ([], lzma.compress(DISK)[:-200], TamperedError, "cannot be unpacked"),
        ([], lzma.compress(b"<html>"), UsageError, "web page"),
        (["403"] * 9, DISK, DownloadError, "403"),
        (["cut 100"] * 99, DISK, DownloadError, "cannot fetch"),
        (["404"], DISK, DownloadError, "does not exist"),
    ],
)
def test_bad_answers_are_one_line_each_and_harm_nothing(
    case: Case, fault: list[str], content: bytes, error: type[B2PError], words: str
) -> None:
    good = case.pull()
    case.site.files["/bad"] = content
    case.site.faults["/bad"] = fault
    with pytest.raises(error, match=words) as caught:
        case.pull(case.site.address + "/bad")
    assert "\n" not in caught.value.message
    assert [one.digest for one in downloads.every(case.media)] == [good.digest]
    assert case.pull() == good


def test_a_page_is_told_by_its_type_before_it_is_read(case: Case) -> None:
    case.site.types["/dir/disk.raw"] = "text/html; charset=utf-8"
    with pytest.raises(DownloadError, match="web page"):
        case.pull()


def test_redirects_are_followed_but_not_in_circles(case: Case) -> None:
    case.site.redirects = {"/latest": "/dir/disk.raw", "/a": "/b", "/b": "/a"}
    assert case.pull(case.site.address + "/latest").digest == DIGEST
    with pytest.raises(DownloadError, match="redirect"):
        case.pull(case.site.address + "/a")


def test_a_server_without_ranges_sends_all_of_it_again(case: Case) -> None:
    case.site.faults["/dir/disk.raw"] = ["cut 5000", "no ranges"]
    assert case.pull(digest=("sha256", DIGEST)).path.read_bytes() == DISK


def test_a_broken_off_download_goes_on_where_it_stopped(case: Case) -> None:
    case.site.faults["/dir/disk.raw"] = ["cut 5000", *["503"] * 9]
    with pytest.raises(DownloadError):
        case.pull()
    case.site.faults.clear()
    case.pull()
    assert case.site.requests[-1] == ("/dir/disk.raw", "bytes=5000-")


def test_a_disk_that_fills_up_while_unpacking_is_told(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("b2p.image.unpack._copy", full)
    case.site.files["/d.gz"] = gzip.compress(DISK)
    with pytest.raises(HostError, match="disk is full"):
        case.pull(case.site.address + "/d.gz")
    assert downloads.every(case.media) == []
    assert not list((case.media / downloads.PARTIAL).iterdir())


def test_a_refresh_asks_and_takes_what_is_new(case: Case) -> None:
    wanted = Wanted(address=case.url)
    first = case.pull()
    assert case.puller().pull(wanted, refresh=True) == first
    assert case.site.sent == len(DISK)
    changed = DISK[:-1] + b"x"
    case.site.files["/dir/disk.raw"] = changed
    second = case.puller().pull(wanted, refresh=True)
    assert second.digest == hashlib.sha256(changed).hexdigest()
    assert case.pull() == second
    assert len(downloads.every(case.media)) == 2


def test_without_network_a_refresh_keeps_what_is_there(case: Case) -> None:
    first = case.pull()
    case.site.faults["/dir/disk.raw"] = ["503"] * 9
    assert case.puller().pull(Wanted(address=case.url), refresh=True) == first
    assert any("last time" in warning for warning in case.report.warnings)


def test_signatures_are_checked(case: Case) -> None:
    key = signing_key()
    certificates = bytes(key.extract_certificate())
    good = Signature(content=detached(key, DISK), certificates=certificates)
    bad = Signature(content=detached(signing_key(), DISK), certificates=certificates)
    with pytest.raises(TamperedError, match=r"signature of 'disk\.raw'"):
        case.pull(signature=bad)
    assert downloads.every(case.media) == []
    case.pull(signature=good)
    assert "signature" in downloads.every(case.media)[0].proven


def test_two_that_want_the_same_image_fetch_it_once(case: Case) -> None:
    case.site.faults["/dir/disk.raw"] = ["hang"]
    found: list[pull.Pulled] = []
    threads = [threading.Thread(target=lambda: found.append(case.pull())) for _ in range(3)]
    for thread in threads:
        thread.start()
    case.site.release.set()
    for thread in threads:
        thread.join()
    assert len(case.site.requests) == 1
    assert len(set(found)) == 1
    assert len(found) == 3


def test_a_users_own_file_is_used_where_it_lies(case: Case, tmp_path: Path) -> None:
    own = tmp_path / "own.img"
    own.write_bytes(DISK)
    found = case.pull(own.as_uri(), digest=("sha256", DIGEST))
    assert found == pull.Pulled(path=own, digest=DIGEST, name="own.img", in_cache=False)
    assert case.pull(str(own)) == found
    assert len(case.report.tasks) == 1
    assert downloads.every(case.media) == []
    with pytest.raises(TamperedError, match=r"own\.img"):
        case.pull(str(own), digest=("md5", "00"))
    with pytest.raises(UsageError, match="no file"):
        case.pull(str(tmp_path / "gone"))


def test_a_users_packed_file_stays_and_is_unpacked_once(case: Case, tmp_path: Path) -> None:
    own = tmp_path / "own.img.gz"
    own.write_bytes(gzip.compress(DISK))
    found = case.pull(str(own))
    assert own.exists()
    assert found.in_cache
    assert found.path.read_bytes() == DISK
    assert case.pull(str(own)) == found
    assert len(case.report.tasks) == 2  # its digest and its unpacking, once each


def test_a_mirror_has_the_same_paths(case: Case, tmp_path: Path) -> None:
    wanted = Wanted(address="https://github.invalid/dir/disk.raw")
    assert case.puller(case.site.address).pull(wanted).digest == DIGEST
    (tmp_path / "mirror/dir").mkdir(parents=True)
    (tmp_path / "mirror/dir/disk.raw").write_bytes(DISK)
    found = case.puller(str(tmp_path / "mirror")).pull(wanted)
    assert found.path == tmp_path / "mirror/dir/disk.raw"


def test_an_image_that_lost_bytes_in_the_cache_is_fetched_again(case: Case) -> None:
    found = case.pull()
    found.path.chmod(0o600)
    found.path.write_bytes(DISK[:1000])
    assert case.pull().path.read_bytes() == DISK


def test_documents_are_remembered_for_days_without_network(case: Case) -> None:
    url = case.site.address + "/SHA256SUMS"
    case.site.files["/SHA256SUMS"] = b"00  disk.raw\n"
    assert case.puller().document(url) == b"00  disk.raw\n"
    case.site.faults["/SHA256SUMS"] = ["503"] * 9
    assert case.puller().document(url) == b"00  disk.raw\n"
    assert any("last time" in warning for warning in case.report.warnings)
    with pytest.raises(DownloadError, match="does not exist"):
        case.puller().document(case.site.address + "/gone")
