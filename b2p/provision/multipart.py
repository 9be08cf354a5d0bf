"""Several user-data in one: cloud-init's MIME archive, and which kinds of parts it takes. Pure."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
from typing import TYPE_CHECKING

from b2p.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {
    "#cloud-config": "text/cloud-config",
    "#!": "text/x-shellscript",
    "#include": "text/x-include-url",
    "#cloud-boothook": "text/cloud-boothook",
    "#part-handler": "text/part-handler",
    "## template: jinja": "text/jinja2",
}
"""How a part begins, and what MIME calls it."""

_ARCHIVE = ("content-type: multipart/", "mime-version:")


def kind_of(data: bytes) -> str:
    """The MIME type of a user-data by its first line; UsageError for what is none."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError("the user-data is not text", "give it unpacked, as UTF-8") from None
    first, _, rest = text.partition("\n")
    if first.lower().startswith(_ARCHIVE):
        return "multipart/mixed"
    kind = next((kind for start, kind in KINDS.items() if first.startswith(start)), "")
    if not kind:
        raise UsageError(
            f"the user-data begins with {first[:40]!r}, which cloud-init does not know",
            "its first line must be #cloud-config, or #! and an interpreter",
        )
    if kind == "text/cloud-config":
        _checked_yaml(rest)
    return kind


def joined(*parts: bytes) -> bytes:
    """One archive of all of them, in order; archives among them are taken apart."""
    flat = [part for data in parts for part in _flat(data)]
    # Bytes in, the same bytes out: a boundary by chance would make each seed another.
    boundary = f"b2p-{hashlib.sha256(b''.join(body for _, body in flat)).hexdigest()[:24]}"
    lines = [
        b"MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"'.encode(),
        b"",
    ]
    for kind, body in flat:
        lines += [
            f"--{boundary}".encode(),
            f'Content-Type: {kind}; charset="utf-8"'.encode(),
            *_encoded(body),
        ]
    return b"\n".join([*lines, f"--{boundary}--".encode(), b""])


def _encoded(body: bytes) -> list[bytes]:
    """cloud-init reads other bytes than ASCII wrongly, unless they are packed."""
    if body.isascii():
        return [b"Content-Transfer-Encoding: 7bit", b"", body]
    return [b"Content-Transfer-Encoding: base64", b"", base64.encodebytes(body)]


def _flat(data: bytes) -> Iterator[tuple[str, bytes]]:
    """(MIME type, body) of each part."""
    kind = kind_of(data)
    if kind != "multipart/mixed":
        yield kind, data
        return
    archive = email.message_from_bytes(data, policy=email.policy.default)
    parts = [part for part in archive.walk() if not part.is_multipart()]
    if not archive.is_multipart() or not parts:
        raise UsageError("the user-data is a MIME archive without parts")
    for part in parts:
        body = part.get_payload(decode=True)
        if isinstance(body, bytes):
            yield part.get_content_type(), body


def _checked_yaml(text: str) -> None:
    """Refuses what cloud-init, which reads it with the same library, would drop."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        # The line before is the one that names its kind.
        place = f" in line {where.line + 2}" if where else ""
        problem = " ".join(str(getattr(error, "problem", "") or "it cannot be read").split())
        raise UsageError(
            f"the user-data is not YAML: {problem}{place}", "correct it there"
        ) from None
    if not isinstance(value, dict | None):
        raise UsageError(
            f"the user-data is not YAML of keys and values: {str(value)[:40]!r}",
            "write lines such as packages: [htop]",
        )
