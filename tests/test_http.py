"""How requests are made: by which proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.errors import UsageError
from b2p.fetch import Download, Fetcher
from tests.fakes_debian import ListeningReport, ListeningTask, Site, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS = "http://nowhere.invalid/file"


@pytest.fixture
def site() -> Iterator[Site]:
    """A server that passes for a proxy: it is asked for whole addresses."""
    with served() as site:
        site.files[ADDRESS] = b"content"
        yield site


def fetched(directory: Path, proxies: dict[str, str] | None = None) -> bytes:
    """What lies at the address, as a fetcher gets it."""
    fetcher = Fetcher(ListeningReport(), pause=0.01, proxies=proxies)
    try:
        fetcher.all([Download((ADDRESS,), directory / "target")], task=ListeningTask())
    finally:
        fetcher.close()
    return (directory / "target").read_bytes()


def test_proxies_of_the_environment_are_obeyed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", site.address)
    assert fetched(tmp_path) == b"content"
    assert site.paths() == [ADDRESS]


def test_given_proxies_serve_where_the_environment_has_none(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert fetched(tmp_path, proxies={"http://": site.address}) == b"content"
    assert site.paths() == [ADDRESS]


def test_a_proxy_that_is_no_address_is_the_users_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "what://ever")
    with pytest.raises(UsageError, match="proxy"):
        fetched(tmp_path)
