"""Downloaded images on disk: each in a directory named by the digest of what was published.

MEDIA/<sha256>/{manifest.json, the image}, unpacked and complete; MEDIA/addresses/ remembers what
lay at an address, so that it need not be asked again; MEDIA/.partial/ is under construction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.errors import StateError
from b2p.image import address, proof

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
ADDRESSES = "addresses"
PARTIAL = ".partial"
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """An image of somebody else's, in the cache."""

    digest: str
    """sha256 of the file as it was published, packed or not."""
    directory: Path
    file: str
    name: str
    """What it was called where it came from."""
    url: str
    size: int
    """Bytes of the image; as a file with holes it may take fewer."""
    proven: tuple[str, ...]
    """All that was promised of it and found true: "sha512:...", "signature"."""

    @property
    def path(self) -> Path:
        """The image itself. Nobody writes to it."""
        return self.directory / self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What lay at an address when it was asked last."""

    digest: str
    etag: str
    last_modified: str


def read(directory: Path) -> Downloaded:
    """The image in that directory; raises StateError where it is not a whole one."""
    try:
        values = json.loads((directory / MANIFEST).read_bytes())
        found = Downloaded(
            digest=str(values["digest"]),
            directory=directory,
            file=str(values["file"]),
            name=str(values["name"]),
            url=str(values["url"]),
            size=int(values["size"]),
            proven=tuple(map(str, values["proven"])),
        )
        whole = values["schema"] == SCHEMA and found.path.stat().st_size == found.size
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _broken(directory, str(error)) from error
    if not whole or "/" in found.file:
        raise _broken(directory, "it is of another size than it was")
    return found


def write(found: Downloaded) -> None:
    """Put its manifest beside the image."""
    values = {
        "schema": SCHEMA,
        "digest": found.digest,
        "file": found.file,
        "name": found.name,
        "url": found.url,
        "size": found.size,
        "proven": list(found.proven),
    }
    proof.write(found.directory / MANIFEST, values)


def every(media: Path) -> list[Downloaded]:
    """All whole images, the newest first; broken ones are passed over."""
    found = []
    for directory in media.iterdir() if media.is_dir() else ():
        if directory.name.startswith(".") or directory.name == ADDRESSES:
            continue
        try:
            found.append((directory.stat().st_mtime, read(directory)))
        except (StateError, OSError):
            continue
    return [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)]


def by_digest(media: Path, digest: str) -> Downloaded | None:
    """The image of exactly that digest; None where the cache has none that is whole."""
    try:
        return read(media / digest)
    except StateError:
        return None


def remembered(media: Path, url: str) -> Remembered | None:
    """What lay at the address last."""
    try:
        values = json.loads(_note(media, url).read_bytes())
        found = Remembered(
            digest=str(values["digest"]),
            etag=str(values["etag"]),
            last_modified=str(values["last_modified"]),
        )
        return found if values["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def remember(media: Path, url: str, what: Remembered) -> None:
    """Keep for the next time what lies at the address."""
    values = {
        "url": url,
        "digest": what.digest,
        "etag": what.etag,
        "last_modified": what.last_modified,
    }
    proof.write(_note(media, url), values)


def _note(media: Path, url: str) -> Path:
    return media / ADDRESSES / f"{address.key(url)}.json"


def _broken(directory: Path, why: str) -> StateError:
    return StateError(
        f"the image {directory.name[:12]!r} in the cache cannot be used: {why}",
        "b2p image prune removes it; then fetch it again",
    )
