"""Downloads: parallel, resumed, never longer than promised, proven before they get their name."""

from __future__ import annotations

import hashlib
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from b2p import http
from b2p.errors import DownloadError, HostError, TamperedError
from b2p.partfile import Part, memory_part, reserved
from b2p.report import SilentTask
from b2p.threads import Halt, in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import httpx

    from b2p.report import Report, Task

WORKERS = 8
"""Files under way at a time."""

LIMIT = 16 << 30
"""Bytes that a file of unknown size may have."""

_TRIES = 4
"""How often one address is asked before the next one, or the end."""

_DEAF_TRIES = 2
"""The same for a server that takes no connection."""

_PAUSE = 0.5
"""Seconds before the second try; doubled each time."""

_PASSING = frozenset({408, 416, 425, 429, 500, 502, 503, 504})
"""Answers worth another try; 416 is a part that the server cannot resume."""

_PROGRESS = 1 << 20
"""Bytes that a broken connection must have brought to count as a success of its own."""


class MissingError(DownloadError):
    """The server does not have the file (any more)."""


class UnfitError(DownloadError):
    """What this server gave is of no use; another may have better."""


class _ShakyError(DownloadError):
    """This try failed; another may do."""


class _DeafError(_ShakyError):
    """The server cannot be reached at all."""


class _RefusedError(DownloadError):
    """The server will not give this file, however often it is asked."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be had: from the first of `urls` that gives it, with what was promised of it."""

    urls: tuple[str, ...]
    target: Path
    size: int | None = None
    sha256: str | None = None
    limit: int = LIMIT

    @property
    def most(self) -> int:
        """Bytes beyond which nothing is read."""
        return self.limit if self.size is None else self.size

    def is_kept(self) -> bool:
        """Whether the target is there and is what was promised (its digest is computed)."""
        try:
            with self.target.open("rb") as file:
                if self.size is not None and file.seek(0, 2) != self.size:
                    return False
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return False
        return self.sha256 is None or digest == self.sha256


class Fetcher:
    """One client for many files; threads may share it. `halt` ends all work when set."""

    def __init__(
        self,
        report: Report,
        *,
        proxies: Mapping[str, str | None] | None = None,
        halt: Halt | None = None,
        pause: float = _PAUSE,
    ) -> None:
        """`proxies` (httpx's pattern -> URL or None) count where the environment is silent."""
        self._report = report
        self._proxies = dict(proxies or {})
        self._halt = halt or Halt()
        self.pause = pause
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
        tally = _Tally(task)
        tally.grow(sum(one.size or 0 for one in missing))
        _make_sure_of_room(missing)

        def work(download: Download, halt: Halt) -> None:
            _Errand(self, download, tally, halt).run()
            if each is not None:
                halt.check()
                each(download)

        in_threads(work, downloads, workers=WORKERS, halt=self._halt)

    def read(
        self, urls: Iterable[str], *, limit: int, accept: Callable[[str, bytes], None]
    ) -> None:
        """Hand the answer of the first address to `accept`; goes on to the next on UnfitError."""
        part = memory_part()
        download = Download(urls=tuple(urls), target=Path(), limit=limit)
        errand = _Errand(self, download, _Tally(SilentTask()), Halt(self._halt))
        errand.receive(part, accept)

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
        with self._lock:
            if self._client is None:
                self._client = http.client(self._proxies, connections=4 * WORKERS)
            return self._client


class _Tally:
    """Bytes to come and bytes that came, of many threads."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._lock = threading.Lock()
        self._total = 0

    def grow(self, amount: int) -> None:
        """So many more are to come."""
        with self._lock:
            self._total += amount
            self._task.expect(self._total)

    def advance(self, amount: int) -> None:
        """So many more came."""
        self._task.advance(amount)


class _Errand:
    """The way of one file: its part, the tries, the proof."""

    def __init__(self, fetcher: Fetcher, download: Download, tally: _Tally, halt: Halt) -> None:
        self._fetcher = fetcher
        self._wanted = download
        self._tally = tally
        self._halt = halt
        self._spoiled = False

    def run(self) -> None:
        """Have the file under its name."""
        wanted = self._wanted
        if wanted.target.exists():
            if wanted.is_kept():
                return
            wanted.target.unlink(missing_ok=True)
            self._tally.grow(wanted.size or 0)
        with reserved(wanted.target, self._halt) as part:
            if part is None:
                self._tally.advance(wanted.size or 0)
                return
            if wanted.sha256 is None or part.size > wanted.most:
                part.restart()  # nothing would tell a wrong beginning
            self._tally.advance(part.size)
            self.receive(part)
            part.commit(wanted.target)

    def receive(self, part: Part, accept: Callable[[str, bytes], None] | None = None) -> None:
        """Fill the part from the first address that gives it whole and acceptable."""
        urls = self._fetcher.ordered(self._wanted.urls)
        failures: list[DownloadError] = []
        for number, url in enumerate(urls, start=1):
            try:
                self._ask(url, part, last=number == len(urls))
                if accept is not None:
                    accept(url, part.content())
            except (MissingError, UnfitError, _ShakyError, _RefusedError) as error:
                failures.append(error)
                if number < len(urls):
                    self._tell(url, error, is_list=accept is not None)
                if self._wanted.sha256 is None:
                    self._restart(part)  # the next server may have another file
            else:
                return
        raise _summary(urls, failures)

    def _tell(self, url: str, error: DownloadError, *, is_list: bool) -> None:
        """Say why the next server is asked; not for a package that one mirror lacks."""
        if isinstance(error, _ShakyError):
            self._fetcher.give_up(url, error.message)
        elif is_list:
            self._fetcher.warn(error.message)

    def _ask(self, url: str, part: Part, *, last: bool) -> None:
        """Ask one address a few times, each time a bit later."""
        tries = 0
        while True:
            before = part.size
            try:
                if part.size != self._wanted.size:
                    self._transfer(url, part)
                if self._is_proven(url, part):
                    return
            except _ShakyError as error:
                tries = 1 if part.size - before >= _PROGRESS else tries + 1
                deaf = isinstance(error, _DeafError)
                if tries >= (_DEAF_TRIES if deaf else _TRIES) or (deaf and not last):
                    raise
                if self._wanted.sha256 is None and part.tag is None:
                    self._restart(part)  # nothing would tell that the rest is of another file
                self._halt.wait(self._fetcher.pause * 2 ** (tries - 1))

    def _is_proven(self, url: str, part: Part) -> bool:
        """Whether the part is the promised file; the first wrong one is asked for anew."""
        wanted = self._wanted
        if wanted.sha256 is None or part.digest.hexdigest() == wanted.sha256:
            return True
        self._spoil(url, part, f"its sha256 is {part.digest.hexdigest()[:16]}...")
        return False

    def _spoil(self, url: str, part: Part, reason: str) -> None:
        """A wrong content: once it may have been the connection, twice it is the server."""
        self._restart(part)
        if self._spoiled:
            raise TamperedError(
                f"{url!r} is not the file that was promised: {reason}",
                "try another mirror, and check whether a proxy or a login page is in the way",
            )
        self._spoiled = True

    def _restart(self, part: Part) -> None:
        self._tally.grow(part.size)  # these bytes come once more
        part.restart()

    def _transfer(self, url: str, part: Part) -> None:
        """One request: add to the part what the server gives."""
        import httpx

        try:
            client = self._fetcher.client()
            with client.stream("GET", url, headers=_headers(url, part)) as response:
                self._meet(url, part, response)
                self._drain(url, part, response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise _DeafError(http.reason(error)) from error
        except httpx.TransportError as error:
            raise _ShakyError(http.reason(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _RefusedError(http.reason(error)) from error

    def _meet(self, url: str, part: Part, response: httpx.Response) -> None:
        """Judge the answer's head, and throw the part away where it is not continued."""
        status = response.status_code
        if status in (404, 410):
            raise MissingError(f"{url!r} does not exist")
        if status == 416:
            self._restart(part)
        if status in _PASSING:
            raise _ShakyError(f"answered {status} {response.reason_phrase}".strip())
        if status not in (200, 206):
            raise _RefusedError(f"answered {status} {response.reason_phrase}".strip())
        goes_on = response.headers.get("content-range", "").startswith(f"bytes {part.size}-")
        if status == 206 and not goes_on:
            self._restart(part)
            raise _ShakyError("sent another range than the one asked for")
        if status == 200 and part.size:
            self._restart(part)
        tag = response.headers.get("etag", "")
        part.tag = (url, tag) if tag.startswith('"') else None

    def _drain(self, url: str, part: Part, response: httpx.Response) -> None:
        """Read the body, and not one byte more than was promised."""
        promised = self._wanted.size
        for block in response.iter_raw():
            self._halt.check()
            if part.size + len(block) > self._wanted.most:
                self._spoil(url, part, f"it is longer than {self._wanted.most} bytes")
                raise _ShakyError("sent more than was promised")
            part.write(block)
            self._tally.advance(len(block))
        if promised is not None and part.size < promised:
            raise _ShakyError(f"ended after {part.size} of {promised} bytes")


def _headers(url: str, part: Part) -> dict[str, str]:
    """Ask for the bytes as they lie on the server, and for the rest only of what is begun."""
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.tag is not None and part.tag[0] == url:
            headers["If-Range"] = part.tag[1]
    return headers


def _summary(urls: Sequence[str], failures: Sequence[DownloadError]) -> DownloadError:
    """One error for all the addresses that failed."""
    for error in failures:
        if isinstance(error, UnfitError):
            return error
    gone = [error for error in failures if isinstance(error, MissingError)]
    if gone:
        return MissingError(gone[0].message)
    lines = [f"{url}: {error.message}" for url, error in zip(urls, failures, strict=True)]
    if len(lines) == 1:
        message = f"cannot fetch {urls[0]!r}: {failures[0].message}"
    else:
        hosts = len({http.host_of(url) for url in urls})
        message = f"cannot fetch {urls[0]!r} from any of {hosts} servers"
    hint = "check the network, http_proxy and https_proxy; what is there already is kept"
    return DownloadError(message, hint, details="\n".join(lines) if len(lines) > 1 else "")


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
            raise HostError(
                f"no room in {str(directory)!r}: {_mib(amount)} to download, {_mib(free)} free",
                f"free {_mib(amount - free)} there, or set XDG_CACHE_HOME to another disk",
            )


def _mib(amount: int) -> str:
    """Bytes as a person compares them."""
    return f"{-(-amount >> 20)} MiB"
