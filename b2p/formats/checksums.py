"""Checksum files as publishers write them: which digest a file of that name must have. Pure.

Five kinds: lines of sha256sum or BSD, a bare digest, sections headed by the algorithm, Debian's
JSON of a cloud image, and the streams of Fedora CoreOS. Each may be wrapped in a clear-text
signature, which is only taken off here: b2p/debian/release.py knows how such are verified.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from b2p.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ALGORITHM_OF_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
_STRENGTH = ("sha512", "sha384", "sha256")
"""The ones that prove something, the strongest first."""

_GNU = re.compile(r"\\?([0-9A-Fa-f]+)(?: [ *]|\t+| +)(?:\./)?(\S.*)")
_BSD = re.compile(r"([A-Za-z0-9-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]+)")
_STAMP = re.compile(r"-[0-9]{8}-[0-9]+(?=\.)")
_SECTION = re.compile(r"#\s*(MD5|SHA-?1|SHA-?256|SHA-?384|SHA-?512)\b.*", re.IGNORECASE)


class Checksum(NamedTuple):
    """What a file must hash to."""

    algorithm: str
    """As hashlib calls it."""
    hex: str


def find(text: str, name: str, form: str) -> Checksum:
    """The strongest checksum of the file called `name` in a checksum file of that form.

    Raises DownloadError where there is none, or only some that prove nothing any more.
    """
    found = list(_READERS[form](without_signature(text), name))
    for algorithm in _STRENGTH:
        strong = {checksum for checksum in found if checksum.algorithm == algorithm}
        if len(strong) > 1:
            raise DownloadError(
                f"the checksum file has two different {algorithm} sums for {name}",
                "tell the publisher, or give another mirror",
            )
        if strong:
            return strong.pop()
    if found:
        kinds = ", ".join(sorted({checksum.algorithm for checksum in found}))
        raise DownloadError(f"the checksum file has only {kinds} for {name}", _OTHER)
    seen = "it is a web page" if text.lstrip()[:1] == "<" else "it names others"
    raise DownloadError(f"the checksum file has nothing for {name}: {seen}", _OTHER)


_OTHER = "give the image's own address, or the path of an image that you have checked"


def without_signature(text: str) -> str:
    """The text within a clear-text signature; the text itself where there is none."""
    lines = text.replace("\r\n", "\n").splitlines()
    try:
        start = lines.index("-----BEGIN PGP SIGNED MESSAGE-----")
        end = lines.index("-----BEGIN PGP SIGNATURE-----", start)
    except ValueError:
        return text
    # Only what the signature covers counts: nothing before it, nothing after, no armour header.
    try:
        body = lines.index("", start, end) + 1
    except ValueError:
        return ""
    return "\n".join(line.removeprefix("- ") for line in lines[body:end]) + "\n"


def _lines(text: str, name: str) -> Iterator[Checksum]:
    for line in text.splitlines():
        stripped = line.strip()
        if match := _BSD.fullmatch(stripped):
            if match[2] == name:
                yield from _checksum(match[3], match[1])
        elif (match := _GNU.fullmatch(stripped)) and match[2] == name:
            yield from _checksum(match[1])


def _bare(text: str, name: str) -> Iterator[Checksum]:
    """The digest alone, or the one line that sha256sum wrote for this file."""
    words = text.split()
    if len(words) == 1:
        yield from _checksum(words[0])
    else:
        yield from _lines(text, name)


def _digests(text: str, name: str) -> Iterator[Checksum]:
    algorithm = ""
    for line in text.splitlines():
        stripped = line.strip()
        if match := _SECTION.fullmatch(stripped):
            algorithm = match[1]
        elif (match := _GNU.fullmatch(stripped)) and match[2] == name:
            yield from _checksum(match[1], algorithm)


def _debian_json(text: str, name: str) -> Iterator[Checksum]:
    """The uploads that one build led to, a file each; the digest is base64 without its padding."""
    for item in _walk(_parsed(text)):
        reference = _text_at(item, "data", "ref")
        digest = _text_at(item, "metadata", "annotations", "cloud.debian.org/digest")
        # One that names no file is of the image that the document lies beside.
        if not digest or (reference and not _names_same(reference.rsplit("/", 1)[-1], name)):
            continue
        algorithm, _, encoded = digest.partition(":")
        try:
            raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        yield from _checksum(raw.hex(), algorithm)


def _names_same(stamped: str, name: str) -> bool:
    """The document knows files by their day's stamp, which those in latest/ do not have."""
    return name in (stamped, _STAMP.sub("", stamped))


def _text_at(item: object, *path: str) -> str:
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return item if isinstance(item, str) else ""


def _stream_json(text: str, name: str) -> Iterator[Checksum]:
    yield from _in_stream(text, name, "sha256")


def uncompressed(text: str, name: str) -> Checksum | None:
    """What the unpacked file must hash to, where a stream of Fedora CoreOS tells that."""
    return next(_in_stream(text, name, "uncompressed-sha256"), None)


def _in_stream(text: str, name: str, key: str) -> Iterator[Checksum]:
    """Every artifact is an object that gives its location and its digests."""
    for item in _walk(_parsed(text)):
        if _text_at(item, "location").rsplit("/", 1)[-1] == name:
            yield from _checksum(_text_at(item, key), "sha256")


_READERS: dict[str, Callable[[str, str], Iterator[Checksum]]] = {
    "lines": _lines,
    "bare": _bare,
    "digests": _digests,
    "debian-json": _debian_json,
    "stream-json": _stream_json,
}


def _checksum(digits: str, algorithm: str = "") -> Iterator[Checksum]:
    """One, if the number of digits fits what is said of it."""
    by_length = _ALGORITHM_OF_LENGTH.get(len(digits), "")
    said = algorithm.lower().replace("-", "") or by_length
    if by_length and said == by_length and re.fullmatch(r"[0-9A-Fa-f]+", digits):
        yield Checksum(by_length, digits.lower())


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # which holds nothing, and find() says so


def _walk(value: object) -> Iterator[dict[str, object]]:
    """Every object in the document, without recursion: it may be as deep as it likes."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
