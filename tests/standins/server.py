"""A web server over a directory that misbehaves on demand, with publishers' checksum files.

For large files; tests/fakes_debian.py has the small one that keeps all in memory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from tests.fakes_web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Sums = Literal["SHA256SUMS", "SHA512SUMS", ".sha256", "CHECKSUM", ".DIGESTS", ".json"]
"""SHA256SUMS and SHA512SUMS as Ubuntu and Debian have them, NAME.sha256 of minikube and minishift,
Fedora's NAME-CHECKSUM, Flatcar's NAME.DIGESTS, NAME.json of Debian's cloud images."""

HTML = b"<!DOCTYPE html><html><body>Sign in to this network</body></html>\n"
BLOCK = 1 << 18
PATIENCE = 30.0
"""Seconds that a stalled answer waits to be released."""


@dataclass
class Site:
    """What the server did; `faults` of a path are used up one a request, "*" stands for any path.

    "stall N": N bytes, then silence until released. "cut N": N bytes, then the end of the
    connection. "truncate N": N bytes, said to be all. "html": a page of a hotel's network.
    "loop": redirected to itself. "to PATH": redirected there. "no ranges": always the whole.
    "no length": neither length nor ETag. "wrong": zeros of the right length. "slow N": N bytes a
    second. A number: that status.
    """

    root: Path
    address: str = ""
    faults: dict[str, list[str]] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)
    """Faults that are not used up."""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and Range of each request."""
    sent: int = 0
    release: threading.Event = field(default_factory=threading.Event)
    """Set to let go of answers that stall."""

    def fault(self, path: str) -> str:
        """What is to go wrong with this request."""
        waiting = self.faults.get(path) or self.faults.get("*")
        return waiting.pop(0) if waiting else self.always.get(path, "")

    def publish(self, file: Path, path: str, sums: Sequence[Sums] = ()) -> str:
        """Put a file (linked, not copied) at a path, with such checksum files; its address."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(file.absolute())
        for kind in sums:
            where, text = checksums(target, kind)
            where.write_text(text)
        return f"{self.address}/{path}"


def checksums(file: Path, kind: Sums) -> tuple[Path, str]:
    """The checksum file of that kind, and what it says of the one file."""
    algorithm = "sha512" if kind in {"SHA512SUMS", ".DIGESTS", ".json"} else "sha256"
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, algorithm)
    digest, name = found.hexdigest(), file.name
    match kind:
        case "SHA256SUMS":
            return file.with_name(kind), f"{digest} *{name}\n"
        case "SHA512SUMS":
            return file.with_name(kind), f"{digest}  {name}\n"
        case ".sha256":
            return file.with_name(f"{name}.sha256"), f"{digest}\n"
        case "CHECKSUM":
            said = f"# {name}: {file.stat().st_size} bytes\nSHA256 ({name}) = {digest}\n"
            return file.with_name(f"{file.stem}-CHECKSUM"), said
        case ".DIGESTS":
            return file.with_name(f"{name}.DIGESTS"), f"# SHA512 HASH\n{digest}  {name}\n"
        case ".json":
            plain = base64.b64encode(found.digest()).decode().rstrip("=")
            annotations = {"cloud.debian.org/digest": f"sha512:{plain}"}
            item = {"kind": "Upload", "metadata": {"annotations": annotations}}
            return file.with_suffix(".json"), json.dumps({"items": [item]}) + "\n"


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def _serve(self) -> None:
        site, path = self.site, self.path.partition("?")[0]
        span = self.headers.get("Range", "")
        site.requests.append((self.command, path, span))
        fault, _, amount = site.fault(path).partition(" ")
        file = self._found(path)
        if fault.isdigit():
            self._short(int(fault), b"no\n")
        elif fault == "html":
            self._short(200, HTML, {"Content-Type": "text/html"})
        elif fault in {"loop", "to"}:
            self._short(302, b"", {"Location": amount if fault == "to" else path})
        elif file is None:
            self._short(404, b"not here\n")
        else:
            self._file(file, span, fault, amount)

    def _found(self, path: str) -> Path | None:
        if ".." in Path(path).parts:
            return None
        file = self.site.root / path.lstrip("/")
        return file if file.is_file() else None

    def _short(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _file(self, file: Path, span: str, fault: str, amount: str) -> None:
        facts = file.stat()
        size = int(amount) if fault == "truncate" else facts.st_size
        tag = f'"{facts.st_size:x}-{facts.st_mtime_ns:x}"'
        ranges = not (fault == "no" and amount == "ranges")
        if self.headers.get("If-None-Match") == tag:
            self._short(304, b"", {"ETag": tag})
            return
        begin, end = 0, size
        asked = ranges and self.headers.get("If-Range", tag) == tag and _span(span, size)
        if asked:
            begin, end = asked
            if begin >= size:
                self._short(416, b"", {"Content-Range": f"bytes */{size}"})
                return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        if fault == "no" and amount == "length":
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(end - begin))
            self.send_header("ETag", tag)
        self.send_header("Accept-Ranges", "bytes" if ranges else "none")
        self.send_header("Last-Modified", formatdate(facts.st_mtime, usegmt=True))
        self.end_headers()
        if self.command == "HEAD":
            return
        with file.open("rb") as opened:
            opened.seek(begin)
            try:
                self._send(opened, end - begin, fault, amount)
            except OSError:
                self.close_connection = True

    def _send(self, file: IO[bytes], left: int, fault: str, amount: str) -> None:
        number = int(amount) if amount.isdigit() else 0
        if fault in {"stall", "cut"}:
            self._copy(file, min(left, number))
            self.wfile.flush()
            if fault == "stall":
                self.site.release.wait(PATIENCE)
            self.close_connection = True
        elif fault == "slow":
            while left and not self.site.release.wait(0.1):
                part = min(left, max(1, number // 10))
                self._copy(file, part)
                left -= part
            self._copy(file, left)
        else:
            self._copy(file, left, zeros=fault == "wrong")

    def _copy(self, file: IO[bytes], left: int, *, zeros: bool = False) -> None:
        while left and (block := file.read(min(left, BLOCK))):
            self.wfile.write(bytes(len(block)) if zeros else block)
            self.site.sent += len(block)
            left -= len(block)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """Nothing: tests ask the site."""


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """Begin and end (exclusive) of one range; None where none is asked for."""
    kind, _, span = wanted.partition("=")
    begin, dash, end = span.partition("-")
    if kind != "bytes" or not dash or "," in span:
        return None
    if not begin:
        return max(0, size - int(end)), size
    return int(begin), min(int(end) + 1, size) if end else size


@contextmanager
def served(root: Path) -> Iterator[Site]:
    """The directory on 127.0.0.1 until the block ends."""
    site = Site(root)
    with serving(site, _Handler):
        yield site
