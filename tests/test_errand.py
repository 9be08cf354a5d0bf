"""Downloads of which less is known before: no size, no digest, other digests, conditions."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest

from b2p.errors import DownloadError, HostError, TamperedError
from b2p.fetch import Download, Fetcher, UnchangedError
from tests.fakes_debian import ListeningReport, ListeningTask, Site, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 4096
SHA512 = hashlib.sha512(CONTENT).hexdigest()


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as site:
        site.files["/file"] = CONTENT
        yield site


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    fetcher = Fetcher(ListeningReport(), pause=0.01)
    yield fetcher
    fetcher.close()


def test_a_file_of_unknown_size_is_measured_by_its_answer(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["cut 5000"]
    task = ListeningTask()
    receipt = fetcher.one(Download((site.address + "/file",), tmp_path / "target"), task=task)
    assert task.total == task.done == len(CONTENT)
    assert receipt is not None
    assert receipt.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert receipt.url == site.address + "/file"
    assert receipt.etag.startswith('"')
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_another_runs_part_is_resumed_where_the_server_can_tell_that_it_fits(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["cut 5000", *["503"] * 9]
    wanted = Download((site.address + "/file",), tmp_path / "target")
    with pytest.raises(DownloadError):
        fetcher.one(wanted, task=ListeningTask())
    site.faults.clear()
    del site.requests[:]
    fetcher.one(wanted, task=ListeningTask())
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert site.requests == [("/file", "bytes=5000-")]
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_another_runs_part_of_a_file_that_changed_is_begun_anew(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["cut 5000", *["503"] * 9]
    wanted = Download((site.address + "/file",), tmp_path / "target")
    with pytest.raises(DownloadError):
        fetcher.one(wanted, task=ListeningTask())
    site.faults.clear()
    site.files["/file"] = CONTENT[::-1]
    fetcher.one(wanted, task=ListeningTask())
    assert (tmp_path / "target").read_bytes() == CONTENT[::-1]


def test_other_digests_prove_a_file_too(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "target.part").write_bytes(CONTENT[:1000])
    urls = (site.address + "/file",)
    promises = (("sha512", SHA512.upper()), ("md5", hashlib.md5(CONTENT).hexdigest()))
    fetcher.one(Download(urls, tmp_path / "target", others=promises), task=ListeningTask())
    assert site.requests == [("/file", "bytes=1000-")]
    site.files["/file"] = CONTENT[::-1]
    with pytest.raises(TamperedError, match="its sha512 is"):
        fetcher.one(Download(urls, tmp_path / "b", others=promises[:1]), task=ListeningTask())
    assert not (tmp_path / "b").exists()


def test_what_did_not_change_is_not_sent(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.faults["/file"] = ["304"]
    wanted = Download(
        (site.address + "/file",), tmp_path / "target", unless=(("If-None-Match", '"x"'),)
    )
    with pytest.raises(UnchangedError):
        fetcher.one(wanted, task=ListeningTask())


def test_a_disk_without_room_is_told_before_the_first_byte(
    site: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(HostError, match="1 MiB to download"):
        fetcher.one(Download((site.address + "/file",), tmp_path / "a"), task=ListeningTask())
    assert not (tmp_path / "a").exists()
