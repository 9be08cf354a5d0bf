"""The server that tests download images from: wrong in just the way that was asked for."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.standins.server import HTML, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.standins.server import Site

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "image.raw").write_bytes(CONTENT)
    (tmp_path / "www").mkdir()
    with served(tmp_path / "www") as site:
        site.publish(tmp_path / "image.raw", "a/image.raw", ("SHA256SUMS", ".sha256", "CHECKSUM"))
        yield site


def get(site: Site, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(f"{site.address}/a/image.raw", headers=named, timeout=5)


def test_a_file_is_served_with_its_checksums_beside_it(site: Site) -> None:
    assert get(site).content == CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    folder = f"{site.address}/a"
    assert httpx.get(f"{folder}/SHA256SUMS").text == f"{digest} *image.raw\n"
    assert httpx.get(f"{folder}/image.raw.sha256").text == f"{digest}\n"
    assert f"SHA256 (image.raw) = {digest}\n" in httpx.get(f"{folder}/image-CHECKSUM").text


def test_the_head_tells_size_and_tag_and_sends_nothing(site: Site) -> None:
    head = httpx.head(f"{site.address}/a/image.raw")
    assert head.headers["Content-Length"] == str(len(CONTENT))
    assert not site.sent
    assert get(site, If_None_Match=head.headers["ETag"]).status_code == 304


@pytest.mark.parametrize(
    ("asked", "begin", "end"), [("5-", 5, None), ("5-9", 5, 10), ("-7", -7, None)]
)
def test_ranges(site: Site, asked: str, begin: int, end: int | None) -> None:
    answer = get(site, Range=f"bytes={asked}")
    assert answer.status_code == 206
    assert answer.content == CONTENT[begin:end]


def test_a_range_of_what_has_changed_is_the_whole(site: Site) -> None:
    answer = get(site, Range="bytes=5-", If_Range='"old"')
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_range_behind_the_end(site: Site) -> None:
    assert get(site, Range=f"bytes={len(CONTENT)}-").status_code == 416


def test_nothing_outside_of_the_directory_is_served(site: Site) -> None:
    with httpx.Client() as client:
        request = client.build_request("GET", f"{site.address}/x")
        request.url = request.url.copy_with(raw_path=b"/../image.raw")
        assert client.send(request).status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("404", 404, b"no\n"),
        ("html", 200, HTML),
        ("wrong", 200, bytes(len(CONTENT))),
        ("truncate 10", 200, CONTENT[:10]),
        ("no ranges", 200, CONTENT),
        ("no length", 200, CONTENT),
    ],
)
def test_a_fault_is_used_up(site: Site, fault: str, status: int, body: bytes) -> None:
    site.faults["/a/image.raw"] = [fault]
    range_header = {"Range": "bytes=5-"} if fault == "no ranges" else {}
    answer = get(site, **range_header)
    assert (answer.status_code, answer.content) == (status, body)
    assert get(site).content == CONTENT


def test_a_connection_that_is_cut(site: Site) -> None:
    site.faults["*"] = ["cut 1000"]
    with pytest.raises(httpx.RemoteProtocolError):
        get(site)
    assert site.sent == 1000


def test_a_circle_of_redirects(site: Site) -> None:
    site.always["/a/image.raw"] = "loop"
    with pytest.raises(httpx.TooManyRedirects):
        httpx.get(f"{site.address}/a/image.raw", follow_redirects=True)


def test_a_stalled_answer_waits_to_be_released(site: Site) -> None:
    site.faults["*"] = ["stall 1000"]
    timer = threading.Timer(0.2, site.release.set)
    timer.start()
    with pytest.raises(httpx.RemoteProtocolError):
        get(site)
    assert site.release.is_set()
    assert site.sent == 1000
    timer.join()
