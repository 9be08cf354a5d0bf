"""Downloads against a server that misbehaves."""

from __future__ import annotations

import _thread
import errno
import fcntl
import hashlib
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from b2p import partfile, threads
from b2p.errors import DownloadError, HostError, TamperedError
from b2p.fetch import Download, Fetcher, MissingError, UnfitError
from b2p.threads import Halt, StoppedError
from tests.fakes_debian import ListeningReport, ListeningTask, Site, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as site:
        site.files["/file"] = CONTENT
        yield site


@pytest.fixture
def report() -> ListeningReport:
    return ListeningReport()


@pytest.fixture
def fetcher(report: ListeningReport) -> Iterator[Fetcher]:
    fetcher = Fetcher(report, pause=0.01)
    yield fetcher
    fetcher.close()


def wanted(site: Site, directory: Path, path: str = "/file", *more: str) -> Download:
    urls = (site.address + path, *more)
    return Download(urls, directory / "target", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def fetch(fetcher: Fetcher, *downloads: Download) -> ListeningTask:
    task = ListeningTask()
    fetcher.all(downloads, task=task)
    return task


def test_a_file_gets_its_name_when_it_is_whole(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    task = fetch(fetcher, wanted(site, tmp_path / "new" / "directory"))
    assert (tmp_path / "new/directory/target").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new/directory").iterdir()] == ["target"]
    assert task.total == task.done == len(CONTENT)


def test_what_is_there_and_right_is_not_fetched_again(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    (tmp_path / "target").write_bytes(CONTENT)
    task = fetch(fetcher, wanted(site, tmp_path))
    assert not site.requests
    assert task.total == 0


def test_what_is_there_and_damaged_is_fetched_again(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    (tmp_path / "target").write_bytes(bytes(len(CONTENT)))
    fetch(fetcher, wanted(site, tmp_path))
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_a_part_of_an_earlier_run_is_resumed(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "target.part").write_bytes(CONTENT[:1000])
    task = fetch(fetcher, wanted(site, tmp_path))
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert site.requests == [("/file", "bytes=1000-")]
    assert task.total == task.done == len(CONTENT)


def test_a_whole_part_needs_no_request(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "target.part").write_bytes(CONTENT)
    fetch(fetcher, wanted(site, tmp_path))
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert not site.requests


def test_a_part_without_a_promised_digest_is_begun_anew(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    (tmp_path / "target.part").write_bytes(b"of something else")
    fetch(fetcher, Download((site.address + "/file",), tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["cut 5000", "cut 2000"]
    task = fetch(fetcher, wanted(site, tmp_path))
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert [span for _, span in site.requests] == ["", "bytes=5000-", "bytes=7000-"]
    assert task.total == task.done == len(CONTENT)


def test_a_file_that_changed_while_it_was_read_is_begun_anew(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["cut 5000", "changed"]
    fetch(fetcher, Download((site.address + "/file",), tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == CONTENT[::-1]


def test_a_server_that_ignores_ranges_sends_all_of_it(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    (tmp_path / "target.part").write_bytes(CONTENT[:1000])
    site.faults["/file"] = ["no ranges"]
    task = fetch(fetcher, wanted(site, tmp_path))
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert task.total == task.done


def test_a_part_that_cannot_be_resumed_is_begun_anew(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    (tmp_path / "target.part").write_bytes(CONTENT[:1000])
    site.faults["/file"] = ["416"]
    fetch(fetcher, wanted(site, tmp_path))
    assert [span for _, span in site.requests] == ["bytes=1000-", ""]


def test_a_spoiled_part_is_thrown_away_once(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "target.part").write_bytes(bytes(1000))
    fetch(fetcher, wanted(site, tmp_path))
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert [span for _, span in site.requests] == ["bytes=1000-", ""]


def test_a_file_that_stays_wrong_never_gets_its_name(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["wrong"] * 9
    with pytest.raises(TamperedError, match="/file"):
        fetch(fetcher, wanted(site, tmp_path))
    assert not (tmp_path / "target").exists()
    assert len(site.requests) == 2


def test_no_more_is_kept_than_was_promised(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.faults["/file"] = ["longer"] * 9
    with pytest.raises(TamperedError, match="longer than"):
        fetch(fetcher, wanted(site, tmp_path))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


def test_the_next_mirror_is_asked_and_the_deaf_one_named_once(
    site: Site, fetcher: Fetcher, report: ListeningReport, tmp_path: Path
) -> None:
    deaf = "http://127.0.0.1:1/file"
    digest = hashlib.sha256(CONTENT).hexdigest()
    downloads = [
        Download((deaf, site.address + "/file"), tmp_path / str(number), len(CONTENT), digest)
        for number in range(20)
    ]
    fetch(fetcher, *downloads)
    assert len(list(tmp_path.iterdir())) == 20
    assert len(report.warnings) == 1
    assert "127.0.0.1:1" in report.warnings[0]
    assert fetcher.ordered(downloads[0].urls)[0] == site.address + "/file"


def test_a_mirror_that_fails_for_long_is_left_for_the_next(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.files["/broken"] = CONTENT
    site.faults["/broken"] = ["500"] * 99
    fetch(fetcher, wanted(site, tmp_path, "/broken", site.address + "/file"))
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_a_server_that_never_recovers_is_not_asked_for_ever(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["503"] * 99
    with pytest.raises(DownloadError, match="503"):
        fetch(fetcher, wanted(site, tmp_path))
    assert len(site.requests) == 4


def test_what_no_server_has_is_missing(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="does not exist"):
        fetch(fetcher, wanted(site, tmp_path, "/gone", site.address + "/gone too"))


def test_a_refusal_is_not_repeated(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.faults["/file"] = ["403"] * 9
    with pytest.raises(DownloadError, match="403"):
        fetch(fetcher, wanted(site, tmp_path))
    assert len(site.requests) == 1


def test_an_answer_that_is_not_accepted_sends_to_the_next_address(
    site: Site, fetcher: Fetcher
) -> None:
    site.files["/old"] = b"old"
    got: list[bytes] = []

    def accept(url: str, content: bytes) -> None:
        if content == b"old":
            raise UnfitError("too old")
        got.append(content)

    urls = (site.address + "/old", site.address + "/file")
    fetcher.read(urls, limit=len(CONTENT), accept=accept)
    assert got == [CONTENT]
    with pytest.raises(UnfitError, match="too old"):
        fetcher.read(urls[:1], limit=10, accept=accept)


def test_two_that_want_the_same_file_fetch_it_once(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    site.faults["/file"] = ["hang"]
    download = wanted(site, tmp_path)
    tasks = [ListeningTask(), ListeningTask()]
    threads = [
        threading.Thread(target=fetcher.all, args=([download],), kwargs={"task": task})
        for task in tasks
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    site.release.set()
    for thread in threads:
        thread.join()
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert len(site.requests) == 1
    assert [task.done for task in tasks] == [len(CONTENT)] * 2


def test_a_stalled_holder_of_the_part_is_not_waited_for(
    site: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partfile, "_STALLED", 0.1)
    with (tmp_path / "target.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b"half")
        other.flush()
        fetch(fetcher, wanted(site, tmp_path))
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert (tmp_path / "target.part").read_bytes() == b"half"
    assert len(list(tmp_path.iterdir())) == 2


def test_each_is_called_for_every_file_once_it_is_there(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    downloads = [
        Download((site.address + "/file",), tmp_path / str(number), len(CONTENT), digest)
        for number in range(10)
    ]
    seen: list[int] = []

    def each(download: Download) -> None:
        assert download.target.exists()
        seen.append(int(download.target.name))

    fetcher.all(downloads, task=ListeningTask(), each=each)
    assert sorted(seen) == list(range(10))


def test_the_error_of_each_is_the_error_of_all(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    def each(download: Download) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetcher.all([wanted(site, tmp_path)], task=ListeningTask(), each=each)


def test_a_disk_too_small_is_told_before_the_first_byte(
    site: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 100})()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(HostError, match="1 MiB to download") as failure:
        fetch(fetcher, wanted(site, tmp_path / "deep" / "down"))
    assert str(tmp_path) in failure.value.message
    assert not site.requests


def test_a_disk_that_fills_up_is_told_as_such(
    site: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, block: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(partfile.Part, "write", full)
    with pytest.raises(HostError, match="disk is full"):
        fetch(fetcher, wanted(site, tmp_path))


def test_a_directory_that_cannot_be_made_is_told_as_such(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot write"):
        fetch(fetcher, wanted(site, tmp_path / "file"))


def test_an_interrupt_ends_a_hanging_download_at_once(
    site: Site, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults["/file"] = ["hang"]
    monkeypatch.setattr(threads, "_FAREWELL", 0.1)
    threading.Timer(0.1, _thread.interrupt_main).start()
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch(fetcher, wanted(site, tmp_path))
    assert time.monotonic() - before < 30
    site.release.set()


def test_another_thread_can_stop_all_downloads(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults["/file"] = ["hang"]
    halt = Halt()
    fetcher = Fetcher(ListeningReport(), halt=halt)
    monkeypatch.setattr(threads, "_FAREWELL", 0.1)
    threading.Timer(0.1, halt.set).start()
    with pytest.raises(StoppedError):
        fetch(fetcher, wanted(site, tmp_path))
    site.release.set()
    fetcher.close()
