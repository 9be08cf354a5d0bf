"""The story of an image from elsewhere: fetched once, proven, unpacked, never there twice."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.errors import DownloadError, HostError, TamperedError, UsageError
from b2p.fetch import Download, UnchangedError
from b2p.image import address, downloads, medium, proof, unpack
from b2p.image.downloads import Downloaded, Remembered
from b2p.partfile import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from b2p.fetch import Fetcher, Receipt
    from b2p.report import Report

LIMIT = 64 << 30
"""Bytes of an image of unknown size."""

DOCUMENT_LIMIT = 8 << 20
"""Bytes of a list of checksums, a signature, a version."""

_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A detached OpenPGP signature of the file as published, and whose it must be."""

    content: bytes
    certificates: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An image: where it is, and what is known of it."""

    address: str
    """http:, https: or file:, or a path."""
    digest: tuple[str, str] | None = None
    """(hashlib's name, hexadecimal) of the file as published."""
    signature: Signature | None = None
    mirrors: tuple[str, ...] = ()
    """Other addresses of the very same image, for when the first one has it no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """An image that is on this computer now, unpacked."""

    path: Path
    digest: str
    """sha256 of the file as published: the image's name."""
    name: str
    """What it was called where it came from, for recognition."""
    in_cache: bool
    """Else it is the user's own file, used where it lies."""


class Puller:
    """Brings images into one cache; `hold` gives a lock for a key, to fetch each image once."""

    def __init__(
        self,
        media: Path,
        *,
        fetcher: Fetcher,
        report: Report,
        hold: Callable[[str], AbstractContextManager[object]],
        mirror: str = "",
    ) -> None:
        self._media = media
        self._fetcher = fetcher
        self._report = report
        self._hold = hold
        self._mirror = mirror
        self._digests = proof.Digests(media / "verified.json", report)

    def known(self, wanted: Wanted) -> Pulled | None:
        """The image, where it is in the cache already; asks no network."""
        url = address.mirrored(wanted.address, self._mirror)
        found = self._kept(url, wanted)
        return None if found is None else _pulled(found)

    def pull(self, wanted: Wanted, *, refresh: bool = False) -> Pulled:
        """Have the image. With `refresh` its server is asked whether it has another by now.

        Raises UsageError for what is no image, DownloadError, TamperedError, HostError; the cache
        is then as it was before.
        """
        url = address.mirrored(wanted.address, self._mirror)
        path = address.local(url)
        if path is not None:
            return self._local(path.expanduser(), wanted)
        # What must have one digest cannot have become another.
        refresh = refresh and wanted.digest is None
        kept = self._kept(url, wanted)
        if kept is not None and not refresh:
            return _pulled(kept)
        with self._hold(address.key(url)):
            kept = self._kept(url, wanted)  # by another b2p, while we waited
            if kept is not None and not refresh:
                return _pulled(kept)
            return _pulled(self._renewed(url, wanted, kept))

    def document(self, where: str, *, limit: int = DOCUMENT_LIMIT) -> bytes:
        """A small file beside an image; the copy of last time where its server is silent."""
        url = address.mirrored(where, self._mirror)
        path = address.local(url)
        if path is not None:
            with _readable(path):
                return path.read_bytes()[:limit]

        def fetched() -> bytes:
            got: list[bytes] = []
            self._fetcher.read([url], limit=limit, accept=lambda _, content: got.append(content))
            return got[0]

        return self._remembered(f"{address.key(url)}.copy", fetched)

    def destination(self, where: str) -> str:
        """Where an address leads after all redirects, or led last time; raises DownloadError."""
        url = address.mirrored(where, self._mirror)

        def led() -> bytes:
            return self._fetcher.destination(url).encode()

        return self._remembered(f"{address.key(url)}.led", led).decode()

    def _remembered(self, name: str, ask: Callable[[], bytes]) -> bytes:
        """What a server says, kept for when it is silent."""
        copy = self._media / downloads.ADDRESSES / name
        try:
            answer = ask()
        except TamperedError:
            raise
        except DownloadError as error:
            if not copy.exists():
                raise
            self._report.warn(f"{error.message}; its answer of last time is used", error.hint)
            return copy.read_bytes()
        with explained(copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            aside = copy.with_suffix(".new")
            aside.write_bytes(answer)
            aside.replace(copy)
        return answer

    def _kept(self, url: str, wanted: Wanted) -> Downloaded | None:
        """What the cache has for it: by digest, else by what lay at the address last."""
        if wanted.digest is not None:
            promise = _written(wanted.digest)
            found = (one for one in downloads.every(self._media) if promise in one.proven)
            return next(found, None)
        note = downloads.remembered(self._media, url)
        return None if note is None else downloads.by_digest(self._media, note.digest)

    def _renewed(self, url: str, wanted: Wanted, kept: Downloaded | None) -> Downloaded:
        """The image as its server has it now; without the server, the one that is kept."""
        note = downloads.remembered(self._media, url) if kept else None
        try:
            return self._fetched(url, wanted, note)
        except UnchangedError:
            pass
        except (TamperedError, UsageError):
            raise
        except DownloadError as error:
            if kept is None:
                raise
            self._report.warn(f"{error.message}; the image of last time is used", error.hint)
        assert kept is not None  # noqa: S101 - conditions are sent only for what is kept
        return kept

    def _fetched(self, url: str, wanted: Wanted, note: Remembered | None) -> Downloaded:
        work = self._media / downloads.PARTIAL / address.key(url)
        # Under the server's name, so that errors and progress name it.
        target = work / address.file_name(url)
        download = Download(
            urls=(url, *(address.mirrored(one, self._mirror) for one in wanted.mirrors)),
            target=target,
            limit=LIMIT,
            sha256=_sha256(wanted),
            others=_others(wanted),
            unless=_conditions(note),
            is_page=False,
        )
        try:
            with self._report.task(f"fetching {target.name}", "bytes") as task:
                receipt = self._fetcher.one(download, task=task)
        except UnchangedError:
            shutil.rmtree(work, ignore_errors=True)
            raise
        try:
            made = self._made(target, url, wanted, receipt)
        finally:
            # What is proven to be wrong is not resumed.
            shutil.rmtree(work, ignore_errors=True)
        self._note(url, made, receipt)
        return made

    def _made(self, target: Path, url: str, wanted: Wanted, receipt: Receipt | None) -> Downloaded:
        """Prove and unpack what was fetched, and give it its place."""
        digest = receipt.sha256 if receipt else self._digests.of(target)
        self._prove(target, wanted)
        with explained(target):
            made = target.parent / "made"
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            image = made / "image"
            self._unpacked(target, image, is_ours=True)
            return self._placed(image, digest, target.name, url, wanted)

    def _unpacked(self, source: Path, image: Path, *, is_ours: bool) -> None:
        """The image at `image`; what is ours of the source does not stay beside it."""
        how = unpack.packing(_head(source))
        if how is not None:
            with self._report.task(f"unpacking {source.name}", "bytes") as task:
                unpack.unpack(source, image, how, task)
            if is_ours:
                source.unlink()
        elif is_ours:
            source.rename(image)

    def _placed(self, image: Path, digest: str, name: str, url: str, wanted: Wanted) -> Downloaded:
        """Give the image, which is alone in its directory, its place in the cache."""
        medium.examine(image, name=name)
        proven = [f"sha256:{digest}"]
        proven += [_written(wanted.digest)] if wanted.digest else []
        proven += ["signature"] if wanted.signature else []
        found = Downloaded(
            digest=digest,
            directory=image.parent,
            file=image.name,
            name=name,
            url=url,
            size=image.stat().st_size,
            proven=tuple(dict.fromkeys(proven)),
        )
        image.chmod(0o400)
        downloads.write(found)
        home = self._media / digest
        if downloads.by_digest(self._media, digest) is None:
            shutil.rmtree(home, ignore_errors=True)
            image.parent.rename(home)
        else:
            # The same file from another address: only what is known of it may be new.
            shutil.move(image.parent / downloads.MANIFEST, home / downloads.MANIFEST)
        return downloads.read(home)

    def _note(self, url: str, made: Downloaded, receipt: Receipt | None) -> None:
        note = Remembered(
            digest=made.digest,
            etag=receipt.etag if receipt else "",
            last_modified=receipt.last_modified if receipt else "",
        )
        with explained(self._media / downloads.ADDRESSES):
            downloads.remember(self._media, url, note)

    def _local(self, path: Path, wanted: Wanted) -> Pulled:
        """A file of the user's: used where it lies, or unpacked into the cache."""
        with _readable(path):
            head = _head(path)
            digest = self._digests.of(path)
            if wanted.digest is not None:
                proof.check_digest(
                    path.name, wanted.digest, lambda how: self._digests.of(path, how)
                )
        self._prove(path, wanted)
        if unpack.packing(head) is None:
            medium.examine(path)
            return Pulled(path=path.resolve(), digest=digest, name=path.name, in_cache=False)
        with self._hold(digest[:24]):
            found = downloads.by_digest(self._media, digest)
            if found is None:
                found = self._unpacked_local(path, digest, wanted)
        return _pulled(found)

    def _unpacked_local(self, path: Path, digest: str, wanted: Wanted) -> Downloaded:
        work = self._media / downloads.PARTIAL / digest[:24]
        made = work / "made"
        try:
            with explained(made):
                shutil.rmtree(work, ignore_errors=True)
                made.mkdir(parents=True)
                self._unpacked(path, made / "image", is_ours=False)
                url = path.resolve().as_uri()
                return self._placed(made / "image", digest, path.name, url, wanted)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    @staticmethod
    def _prove(path: Path, wanted: Wanted) -> None:
        """Raise UsageError for what is plainly no image, TamperedError for one wrongly signed."""
        head = _head(path)
        if unpack.packing(head) is None:
            medium.refuse_others(head, where=path.name)
        if wanted.signature is not None:
            proof.check_signature(
                path,
                wanted.signature.content,
                wanted.signature.certificates,
                where=path.name,
            )


def _pulled(found: Downloaded) -> Pulled:
    return Pulled(path=found.path, digest=found.digest, name=found.name, in_cache=True)


def _written(digest: tuple[str, str]) -> str:
    return f"{digest[0]}:{digest[1].lower()}"


def _sha256(wanted: Wanted) -> str | None:
    is_it = wanted.digest is not None and wanted.digest[0] == "sha256"
    return wanted.digest[1].lower() if wanted.digest and is_it else None


def _others(wanted: Wanted) -> tuple[tuple[str, str], ...]:
    return () if wanted.digest is None or wanted.digest[0] == "sha256" else (wanted.digest,)


def _conditions(note: Remembered | None) -> tuple[tuple[str, str], ...]:
    if note is None:
        return ()
    if note.etag:
        return (("If-None-Match", note.etag),)
    return (("If-Modified-Since", note.last_modified),) if note.last_modified else ()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what keeps a user's own file from being read into an error of one line."""
    try:
        yield
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {str(path)!r}", "see to its path") from error
    except OSError as error:
        raise HostError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
