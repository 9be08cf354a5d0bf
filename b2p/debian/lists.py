"""The signed lists of suites: read from a mirror, kept on the disk, proven again at each use."""

from __future__ import annotations

import hashlib
import lzma
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from b2p import partfile
from b2p.debian import release as releases
from b2p.debian.index import Listing
from b2p.errors import DownloadError, TamperedError
from b2p.fetch import Download, MissingError, UnfitError
from b2p.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from b2p.debian.release import Promise, Release
    from b2p.debian.sources import Sources
    from b2p.fetch import Fetcher
    from b2p.report import Report, Task
    from b2p.threads import Halt

_FRESH = 3600.0
"""Seconds for which kept lists are taken without asking a mirror."""

_LIMIT = 16 << 20
"""Bytes of an InRelease file; Debian's have 0.2 MB."""


class StaleIndexError(DownloadError):
    """The mirror has moved on since its lists were read: read them anew, once."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "the mirror is being updated: try again in an hour")


@dataclass(frozen=True)
class Suite:
    """A suite to take packages from; with `preferred`, first of all those whose names begin so."""

    name: str
    security: bool = False
    preferred: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Source:
    """A suite's verified Release, with its mirrors, the one that has its files first."""

    suite: Suite
    release: Release
    mirrors: tuple[str, ...]

    def packages(self, arch: str, ending: str = "") -> Promise:
        """What is promised of the list of packages, plain or with an ending ".xz"."""
        try:
            return self.release.files[f"main/binary-{arch}/Packages{ending}"]
        except KeyError:
            raise DownloadError(
                f"{self.suite.name} has no list of packages for {arch}", "use another mirror"
            ) from None


class Lists:
    """Lists kept in one directory: SUITE.InRelease and SUITE.ARCH.packages, the newest of each."""

    def __init__(
        self,
        directory: Path,
        *,
        sources: Sources,
        fetcher: Fetcher,
        report: Report,
        clock: Callable[[], float],
        halt: Halt,
    ) -> None:
        self._directory = directory
        self._sources = sources
        self._fetcher = fetcher
        self._report = report
        self._clock = clock
        self._halt = halt
        self._lock = threading.Lock()
        self._told = False

    def read(
        self, suites: Sequence[Suite], arch: str, *, refresh: bool, task: Task
    ) -> list[Listing]:
        """The packages of each suite; downloads what has changed since it was kept."""

        def release(suite: Suite, halt: Halt) -> _Source:
            halt.check()
            return self._source(suite, arch, refresh=refresh)

        found = in_threads(release, suites, workers=len(suites), halt=self._halt)
        texts = {source.packages(arch).sha256: self._kept_text(source, arch) for source in found}
        missing = [one for one in found if texts[one.packages(arch).sha256] is None]
        unpacked = self._downloaded(missing, arch, task) if missing else {}
        listings = []
        for source in found:
            digest = source.packages(arch).sha256
            text = texts[digest] or unpacked[digest]
            listings.append(Listing(text, source.mirrors[0]))
        return listings

    def _source(self, suite: Suite, arch: str, *, refresh: bool) -> _Source:
        """The suite's Release: kept and fresh, else a mirror's, else kept and still valid."""
        security = suite.security
        bases = self._sources.security_mirrors if security else self._sources.mirrors
        mirrors = tuple(self._fetcher.ordered(bases))
        kept = self._kept_release(suite, arch)
        if kept is not None and not refresh and self._is_fresh(suite):
            return _Source(suite, kept, mirrors)
        try:
            return self._asked(suite, arch, mirrors, kept)
        except (TamperedError, MissingError):
            raise
        except DownloadError as error:
            if kept is None:
                raise
            self._tell_kept(kept, error)
            return _Source(suite, kept, mirrors)

    def _asked(
        self, suite: Suite, arch: str, mirrors: tuple[str, ...], kept: Release | None
    ) -> _Source:
        """The Release of the first mirror that has a fitting one; the newer one of it and ours."""
        answer: list[_Source] = []

        def accept(url: str, signed: bytes) -> None:
            release = releases.opened(signed, where=url)
            self._check(release, suite, arch, url)
            first = url.removesuffix(f"/dists/{suite.name}/InRelease")
            order = (first, *(one for one in mirrors if one != first))
            if kept is not None and kept.date > release.date:
                answer.append(_Source(suite, kept, order))
                return
            _write(self._release_path(suite), signed)
            answer.append(_Source(suite, release, order))

        urls = [f"{mirror}/dists/{suite.name}/InRelease" for mirror in mirrors]
        try:
            self._fetcher.read(urls, limit=_LIMIT, accept=accept)
        except MissingError as error:
            raise MissingError(
                error.message, "check the mirror's address: it must have a directory 'dists'"
            ) from error
        return answer[-1]

    def _check(self, release: Release, suite: Suite, arch: str, where: str) -> None:
        releases.check(
            release,
            suite=suite.name,
            arch=arch,
            now=datetime.fromtimestamp(self._clock(), UTC),
            check_valid_until=self._sources.check_valid_until,
            check_date=self._sources.check_date,
            where=where,
        )

    def _tell_kept(self, kept: Release, error: DownloadError) -> None:
        """Say once that the lists are not new."""
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._report.warn(
                f"using Debian's package lists of {kept.date:%Y-%m-%d}: {error.message}",
                error.hint,
            )

    def _release_path(self, suite: Suite) -> Path:
        return self._directory / f"{PurePosixPath(suite.name).name}.InRelease"

    def _kept_release(self, suite: Suite, arch: str) -> Release | None:
        """The Release kept last, if it is there, still signed, and not too old."""
        path = self._release_path(suite)
        try:
            release = releases.opened(path.read_bytes(), where=str(path))
            self._check(release, suite, arch, str(path))
        except (OSError, TamperedError, UnfitError):
            return None
        return release

    def _is_fresh(self, suite: Suite) -> bool:
        try:
            age = self._clock() - self._release_path(suite).stat().st_mtime
        except OSError:
            return False
        return 0 <= age < _FRESH

    def _text_path(self, source: _Source, arch: str) -> Path:
        return self._release_path(source.suite).with_suffix(f".{arch}.packages")

    def _kept_text(self, source: _Source, arch: str) -> bytes | None:
        """The Packages file kept last, if it is the one that the Release promises."""
        promise = source.packages(arch)
        try:
            text = self._text_path(source, arch).read_bytes()
        except OSError:
            return None
        return text if hashlib.sha256(text).hexdigest() == promise.sha256 else None

    def _downloaded(self, sources: Sequence[_Source], arch: str, task: Task) -> dict[str, bytes]:
        """The Packages files by digest, fetched, unpacked and kept."""
        texts: dict[str, bytes] = {}
        of_target = {}
        downloads = []
        for source in sources:
            packed = source.packages(arch, ".xz")
            target = self._directory / f"{packed.sha256}.xz"
            of_target[target] = source
            urls = tuple(_address(source, mirror, arch) for mirror in source.mirrors)
            downloads.append(Download(urls, target, packed.size, packed.sha256))

        def unpack(download: Download) -> None:
            source = of_target[download.target]
            promise = source.packages(arch)
            text = _unpacked(download.target, promise)
            _write(self._text_path(source, arch), text)
            download.target.unlink(missing_ok=True)
            texts[promise.sha256] = text

        try:
            self._fetcher.all(downloads, task=task, each=unpack)
        except MissingError as error:
            raise StaleIndexError(error.message) from error
        return texts


def _address(source: _Source, mirror: str, arch: str) -> str:
    """Where a mirror has the packed list: by its digest where the suite is published so."""
    folder = f"{mirror}/dists/{source.suite.name}/main/binary-{arch}"
    if source.release.by_hash:
        return f"{folder}/by-hash/SHA256/{source.packages(arch, '.xz').sha256}"
    return f"{folder}/Packages.xz"


def _unpacked(path: Path, promise: Promise) -> bytes:
    """The file within, never longer than promised; TamperedError when it is another one."""
    try:
        with lzma.open(path) as file:
            text = file.read(promise.size + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise TamperedError(f"{str(path)!r} cannot be unpacked: {error}") from error
    if hashlib.sha256(text).hexdigest() != promise.sha256:
        raise TamperedError(
            f"the list of packages in {str(path)!r} is not the one that Debian signed",
            "use another mirror",
        )
    return text


def _write(path: Path, content: bytes) -> None:
    """Put a file in its place, all at once."""
    with partfile.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{threading.get_native_id()}")
        aside.write_bytes(content)
        aside.replace(path)
