"""The way of one file from its servers to the disk: its tries, its proof, how it fails."""

from __future__ import annotations

import hashlib
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from b2p import http
from b2p.errors import DownloadError, HostError, TamperedError
from b2p.partfile import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import httpx

    from b2p.partfile import Part
    from b2p.report import Task
    from b2p.threads import Halt

LIMIT = 16 << 30
"""Bytes that a file of unknown size may have."""

_TRIES = 4
"""How often one address is asked before the next one, or the end."""

_DEAF_TRIES = 2
"""The same for a server that takes no connection."""

_PASSING = frozenset({408, 416, 425, 429, 500, 502, 503, 504})
"""Answers worth another try; 416 is a part that the server cannot resume."""

_PROGRESS = 1 << 20
"""Bytes that a broken connection must have brought to count as a success of its own."""


class MissingError(DownloadError):
    """The server does not have the file (any more)."""


class UnchangedError(DownloadError):
    """The server still has what `Download.unless` tells of."""


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
    others: tuple[tuple[str, str], ...] = ()
    """Further digests that were promised: (hashlib's name, hexadecimal)."""
    unless: tuple[tuple[str, str], ...] = ()
    """Headers of a conditional request: the answer may then be UnchangedError."""
    is_page: bool = True
    """Whether a web page may be what is wanted."""

    @property
    def is_promised(self) -> bool:
        """Whether there is a digest that tells a wrong file."""
        return self.sha256 is not None or bool(self.others)

    @property
    def most(self) -> int:
        """Bytes beyond which nothing is read."""
        return self.limit if self.size is None else self.size

    def is_kept(self) -> bool:
        """Whether the target is there and is what was promised (its digest is computed)."""
        promised = (("sha256", self.sha256 or ""), *self.others)
        try:
            if self.size is not None and self.target.stat().st_size != self.size:
                return False
            for name, digest in promised:
                with self.target.open("rb") as file:
                    found = hashlib.file_digest(file, name).hexdigest()
                if digest and found != digest.lower():
                    return False
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came, as its server called it."""

    sha256: str
    url: str
    """After all redirects."""
    etag: str = ""
    last_modified: str = ""


class Guide(Protocol):
    """Who knows the servers, and has the client for them."""

    pause: float

    def ordered(self, urls: Sequence[str]) -> list[str]:
        """The addresses, the best first."""

    def give_up(self, url: str, reason: str) -> None:
        """Ask this server last from now on."""

    def warn(self, text: str) -> None:
        """Say why the next server is asked."""

    def client(self) -> httpx.Client:
        """The HTTP client."""


class Tally:
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


class Errand:
    """The way of one file: its part, the tries, the proof."""

    def __init__(self, fetcher: Guide, download: Download, tally: Tally, halt: Halt) -> None:
        self._fetcher = fetcher
        self._wanted = download
        self._tally = tally
        self._halt = halt
        self._spoiled = False
        self._expected = download.size or 0
        self._receipt: Receipt | None = None

    def run(self) -> Receipt | None:
        """Have the file under its name; None where it was there, or somebody else fetched it."""
        wanted = self._wanted
        if wanted.target.exists():
            if wanted.is_kept():
                return None
            wanted.target.unlink(missing_ok=True)
            self._tally.grow(wanted.size or 0)
        with reserved(wanted.target, self._halt) as part:
            if part is None:
                self._tally.advance(wanted.size or 0)
                return None
            part.watch(name for name, _ in wanted.others)
            if part.size > wanted.most or not (wanted.is_promised or part.is_of(wanted.urls)):
                part.restart()  # nothing would tell a wrong beginning
            self._tally.advance(part.size)
            self.receive(part)
            part.commit(wanted.target)
            return self._receipt

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
                if number == len(urls):
                    break
                self._tell(url, error, is_list=accept is not None)
                if not self._wanted.is_promised:
                    self._restart(part)  # the next server may have another file
            else:
                return
        raise summary(urls, failures)

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
                if not self._wanted.is_promised and part.tag is None:
                    self._restart(part)  # nothing would tell that the rest is of another file
                self._halt.wait(self._fetcher.pause * 2 ** (tries - 1))

    def _is_proven(self, url: str, part: Part) -> bool:
        """Whether the part is the promised file; the first wrong one is asked for anew."""
        wanted = self._wanted
        promised = (("sha256", wanted.sha256),) if wanted.sha256 else ()
        for name, digest in (*promised, *wanted.others):
            found = part.hexdigest(name)
            if found != digest.lower():
                self._spoil(url, part, f"its {name} is {found[:16]}...")
                return False
        return True

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
            with client.stream("GET", url, headers=self._headers(url, part)) as response:
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
        if status == 304:
            raise UnchangedError(f"{url!r} is what it was")
        if status in (404, 410):
            raise MissingError(f"{url!r} does not exist", "see to the address")
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
        if not self._wanted.is_page and "html" in response.headers.get("content-type", ""):
            raise _RefusedError("answered with a web page, not with the file")
        tag = response.headers.get("etag", "")
        # Beside the part only where no digest will tell whether its two halves fit together.
        part.remember(
            (url, tag) if tag.startswith('"') else None, kept=not self._wanted.is_promised
        )
        self._expect(part, int(response.headers.get("content-length") or 0))

    def _expect(self, part: Part, length: int) -> None:
        """Tell how long the file is where nobody knew; raise HostError where there is no room."""
        whole = part.size + length
        if self._wanted.size is not None or not length:
            return
        if whole > self._expected:
            self._tally.grow(whole - self._expected)
            self._expected = whole
        if part.path is not None and shutil.disk_usage(part.path.parent).free < length:
            raise no_room(part.path.parent, length)

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
        self._receipt = Receipt(
            sha256=part.hexdigest("sha256"),
            url=str(response.url),
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
        )
        if promised is not None and part.size < promised:
            raise _ShakyError(f"ended after {part.size} of {promised} bytes")

    def _headers(self, url: str, part: Part) -> dict[str, str]:
        """Ask for the bytes as they lie on the server, and for the rest only of what is begun."""
        headers = {"Accept-Encoding": "identity"}
        if not part.size:
            headers |= dict(self._wanted.unless)
        else:
            headers["Range"] = f"bytes={part.size}-"
            if part.tag is not None and part.tag[0] == url:
                headers["If-Range"] = part.tag[1]
        return headers


def summary(urls: Sequence[str], failures: Sequence[DownloadError]) -> DownloadError:
    """One error for all the addresses that failed."""
    for error in failures:
        if isinstance(error, UnfitError):
            return error
    gone = [error for error in failures if isinstance(error, MissingError)]
    if gone:
        return MissingError(gone[0].message, gone[0].hint)
    lines = [f"{url}: {error.message}" for url, error in zip(urls, failures, strict=True)]
    if len(lines) == 1:
        message = f"cannot fetch {urls[0]!r}: {failures[0].message}"
    else:
        hosts = len({http.host_of(url) for url in urls})
        message = f"cannot fetch {urls[0]!r} from any of {hosts} servers"
    hint = "check the network, http_proxy and https_proxy; what is there already is kept"
    return DownloadError(message, hint, details="\n".join(lines) if len(lines) > 1 else "")


def no_room(directory: Path, amount: int) -> HostError:
    """The error for a disk that cannot hold so many bytes more."""
    free = shutil.disk_usage(directory).free
    return HostError(
        f"no room in {str(directory)!r}: {_mib(amount)} to download, {_mib(free)} free",
        f"free {_mib(amount - free)} there, or set XDG_CACHE_HOME to another disk",
    )


def _mib(amount: int) -> str:
    """Bytes as a person compares them."""
    return f"{-(-amount >> 20)} MiB"
