"""Downloads: parallel, resumed, never longer than promised, proven before they get their name."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from b2p import http
from b2p.errand import (
    LIMIT,
    Download,
    Errand,
    MissingError,
    Receipt,
    Tally,
    UnchangedError,
    UnfitError,
    no_room,
)
from b2p.errors import DownloadError
from b2p.partfile import memory_part
from b2p.report import SilentTask
from b2p.threads import Halt, in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import httpx

    from b2p.report import Report, Task

__all__ = [
    "LIMIT",
    "Download",
    "Fetcher",
    "MissingError",
    "Receipt",
    "UnchangedError",
    "UnfitError",
]

WORKERS = 8
"""Files under way at a time."""

_PAUSE = 0.5
"""Seconds before the second try; doubled each time."""


class Fetcher:
    """One client for many files; threads may share it. `halt` ends all work when set."""

    def __init__(
        self,
        report: Report,
        *,
        proxies: Mapping[str, str | None] | None = None,
        halt: Halt | None = None,
        pause: float = _PAUSE,
        offline: bool = False,
    ) -> None:
        """`proxies` (httpx's pattern -> URL or None) count where the environment is silent.

        With `offline` no connection is made: what would need one raises DownloadError.
        """
        self._report = report
        self._proxies = dict(proxies or {})
        self._halt = halt or Halt()
        self.pause = pause
        self._offline = offline
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._deaf: set[str] = set()

    def close(self) -> None:
        """Let the connections go."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def all(
        self,
        downloads: Sequence[Download],
        *,
        task: Task,
        each: Callable[[Download], None] | None = None,
    ) -> None:
        """Have all the files on the disk; `each` is called by worker threads as one is there.

        What is there already and right is kept. Raises MissingError, DownloadError,
        TamperedError, HostError; the first failure ends the rest.
        """
        missing = [one for one in downloads if not one.target.exists()]
        tally = Tally(task)
        tally.grow(sum(one.size or 0 for one in missing))
        _make_sure_of_room(missing)

        def work(download: Download, halt: Halt) -> None:
            Errand(self, download, tally, halt).run()
            if each is not None:
                halt.check()
                each(download)

        in_threads(work, downloads, workers=WORKERS, halt=self._halt)

    def one(self, download: Download, *, task: Task) -> Receipt | None:
        """As `all` for a single file, in the caller's thread; what its server said of it.

        None where it was there already. Raises UnchangedError where `unless` held.
        """
        _make_sure_of_room([download])
        return Errand(self, download, Tally(task), self._halt).run()

    def read(
        self, urls: Iterable[str], *, limit: int, accept: Callable[[str, bytes], None]
    ) -> None:
        """Hand the answer of the first address to `accept`; goes on to the next on UnfitError."""
        part = memory_part()
        download = Download(urls=tuple(urls), target=Path(), limit=limit)
        errand = Errand(self, download, Tally(SilentTask()), Halt(self._halt))
        errand.receive(part, accept)

    def destination(self, url: str) -> str:
        """Where an address leads after all redirects; nothing is fetched. Raises DownloadError."""
        import httpx

        try:
            with self.client().stream("GET", url, follow_redirects=True) as response:
                response.raise_for_status()
                return str(response.url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DownloadError(
                f"{url!r} does not answer: {error}", "see to the network, or give an image's path"
            ) from error

    def ordered(self, urls: Sequence[str]) -> list[str]:
        """The addresses, with those of servers that did not answer before at the end."""
        return sorted(urls, key=lambda url: http.host_of(url) in self._deaf)

    def give_up(self, url: str, reason: str) -> None:
        """Ask this server last from now on, and say so once."""
        host = http.host_of(url)
        with self._lock:
            news = host not in self._deaf
            self._deaf.add(host)
        if news:
            self.warn(f"{host!r} does not answer: {reason}")

    def warn(self, text: str) -> None:
        """Say why the first server is not the one that is used."""
        self._report.warn(text, "another mirror is asked")

    def client(self) -> httpx.Client:
        """The one HTTP client, made when first needed."""
        if self._offline:
            raise DownloadError(
                "something has to be fetched, and b2p is offline",
                "bring it in a bundle ('b2p bundle', 'b2p up --bundle'), or leave out 'offline'",
            )
        with self._lock:
            if self._client is None:
                self._client = http.client(self._proxies, connections=4 * WORKERS)
            return self._client


def _make_sure_of_room(missing: Sequence[Download]) -> None:
    """Raise HostError before the first byte when the disk cannot hold them all."""
    needed: dict[Path, int] = {}
    for one in missing:
        part = one.target.with_name(one.target.name + ".part")
        begun = part.stat().st_size if part.exists() else 0
        directory = next((up for up in one.target.parents if up.exists()), one.target.parent)
        needed[directory] = needed.get(directory, 0) + max(0, (one.size or 0) - begun)
    for directory, amount in needed.items():
        free = shutil.disk_usage(directory).free if directory.exists() else amount
        if amount > free:
            raise no_room(directory, amount)
