"""Debian's archive as this computer sees it: signed lists kept and renewed, packages by digest."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from b2p.debian.index import Index, Listing, Package, Part
from b2p.debian.lists import Lists, StaleIndexError, Suite
from b2p.fetch import Download, Fetcher, MissingError
from b2p.threads import Halt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from b2p.debian.sources import Sources
    from b2p.report import Report

__all__ = ["Archive", "StaleIndexError", "Suite"]

Result = TypeVar("Result")


class Archive:
    """Lists and packages from the first mirror that has them; threads may share it."""

    def __init__(
        self,
        *,
        sources: Sources,
        cache_indexes: Path,
        cache_debs: Path,
        report: Report,
        clock: Callable[[], float] = time.time,
        offline: bool = False,
    ) -> None:
        self._sources = sources
        self._debs = cache_debs
        self._report = report
        self._halt = Halt()
        self._fetcher = Fetcher(report, proxies=sources.proxies, halt=self._halt, offline=offline)
        self._lists = Lists(
            cache_indexes,
            sources=sources,
            fetcher=self._fetcher,
            report=report,
            clock=clock,
            halt=self._halt,
        )
        self._lock = threading.Lock()
        self._listings: dict[tuple[str, str], Listing] = {}

    def stop(self) -> None:
        """End what other threads are fetching, within a second; they raise StoppedError."""
        self._halt.set()

    def close(self) -> None:
        """Let the connections go; the archive can be used again."""
        self._fetcher.close()

    def index(self, suites: Sequence[Suite], arch: str, *, refresh: bool = False) -> Index:
        """The packages of the suites for Debian's `arch` ("amd64"), verified from the key on.

        Lists read within the last hour are taken as they are, unless `refresh`. Without a mirror
        the kept ones serve, with a warning, as long as they are valid. Raises TamperedError,
        DownloadError, StaleIndexError.
        """
        with self._lock:
            missing = [one for one in suites if refresh or (one.name, arch) not in self._listings]
            if missing:
                self._read(missing, arch, refresh=refresh)
            return Index([Part(self._listings[one.name, arch], one.preferred) for one in suites])

    def fetch(
        self,
        packages: Sequence[Package],
        *,
        title: str,
        each: Callable[[Package, Path], None] | None = None,
    ) -> dict[str, Path]:
        """The packages' files, by name; `each` is called by worker threads as one is there.

        Raises StaleIndexError when the mirror no longer has one of them.
        """
        paths = {one.name: self._debs / f"{one.sha256}.deb" for one in packages}
        # The largest first: a kernel takes longer to unpack than all the others beside it.
        largest_first = sorted(packages, key=lambda one: -one.size)
        of_path = {paths[one.name]: one for one in largest_first}
        downloads = [
            Download(self._addresses(one), path, one.size, one.sha256)
            for path, one in of_path.items()
        ]

        def there(download: Download) -> None:
            if each is not None:
                each(of_path[download.target], download.target)

        try:
            with self._report.task(title, "bytes") as task:
                self._fetcher.all(downloads, task=task, each=there)
        except MissingError as error:
            raise StaleIndexError(error.message) from error
        return paths

    def with_fresh_index(
        self, suites: Sequence[Suite], arch: str, use: Callable[[Index], Result]
    ) -> Result:
        """What `use` makes of the index; called once more with new lists when those are stale."""
        try:
            return use(self.index(suites, arch))
        except StaleIndexError:
            return use(self.index(suites, arch, refresh=True))

    def mirror(self, *, security: bool) -> str:
        """The mirror that is asked first."""
        return self._fetcher.ordered(self._mirrors(security=security))[0]

    def is_security(self, package: Package) -> bool:
        """Whether the package comes from the archive of security updates."""
        return package.url_base in self._sources.security_mirrors

    def _mirrors(self, *, security: bool) -> tuple[str, ...]:
        return self._sources.security_mirrors if security else self._sources.mirrors

    def _addresses(self, package: Package) -> tuple[str, ...]:
        """The package's file on its mirror, then on the others that carry the suite."""
        security = self.is_security(package)
        others = (base for base in self._mirrors(security=security) if base != package.url_base)
        return tuple(f"{base}/{package.filename}" for base in (package.url_base, *others))

    def _read(self, suites: Sequence[Suite], arch: str, *, refresh: bool) -> None:
        """Renew what is known of these suites."""
        with self._report.task("reading Debian's package lists", "bytes") as task:
            listings = self._lists.read(suites, arch, refresh=refresh, task=task)
        for suite, listing in zip(suites, listings, strict=True):
            self._listings[suite.name, arch] = listing
