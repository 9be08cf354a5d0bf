"""Addresses of images: what is on this computer, what a mirror has in its place. Pure."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from b2p.errors import UsageError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_REMOTE = ("http", "https")
_LONGEST_NAME = 60
"""Letters, which may take four bytes each, of the 255 that file systems bear."""


def is_address(text: str) -> bool:
    """Whether the text can only be an address or a path: no family and no digest looks so."""
    return "/" in text or urlsplit(text).scheme in (*_REMOTE, "file")


def local(address: str) -> Path | None:
    """The path on this computer; None for what is to be fetched.

    Raises UsageError for an address of a kind that b2p does not fetch.
    """
    parts = _parts(address)
    if parts.scheme in _REMOTE:
        return None
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise UsageError(
                f"{address!r} names another computer, {parts.netloc!r}", "write file:///PATH"
            )
        return Path(unquote(parts.path))
    if "://" in address:
        raise UsageError(
            f"b2p does not fetch from {parts.scheme}: {address!r}",
            "take an address of http, https or file, or a path",
        )
    return Path(address)


def mirrored(address: str, mirror: str) -> str:
    """The address on the mirror: scheme and host are the mirror's, then its path and theirs."""
    parts = _parts(address)
    if not mirror or not (parts.scheme in _REMOTE or (parts.scheme == "file" and parts.netloc)):
        return address
    base = mirror if "://" in mirror else Path(mirror).absolute().as_uri()
    query = f"?{parts.query}" if parts.query else ""
    return f"{base.rstrip('/')}{parts.path}{query}"


def file_name(address: str) -> str:
    """What the file is called there; never a path."""
    name = unquote(_parts(address).path if "://" in address else address).rpartition("/")[2]
    return name[-_LONGEST_NAME:] if name not in ("", ".", "..") else "image"


def _parts(address: str) -> SplitResult:
    """The address taken apart; UsageError for what only looks like one."""
    try:
        return urlsplit(address)
    except ValueError as error:
        raise UsageError(
            f"{address!r} is no address: {error}", "write it as https://HOST/PATH"
        ) from None


def key(address: str) -> str:
    """A name for what belongs to the address, on any file system."""
    return hashlib.sha256(address.encode()).hexdigest()[:24]
