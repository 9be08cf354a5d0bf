"""A web server on 127.0.0.1 that misbehaves on demand, a listening report, and a small Debian."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from b2p.report import SilentReport
from tests.fakes_web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from b2p.report import Task, Unit


@dataclass
class Site:
    """What the server has and how it behaves; `faults` of a path are used up one a request."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path and Range of each request."""
    redirects: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    """Content-Type of a path, where it has one."""
    sent: int = 0
    release: threading.Event = field(default_factory=threading.Event)
    """Set to let go of requests that hang."""

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or the client's delayed ACK costs 40 ms

    def do_GET(self) -> None:
        site, path = self.site, self.path
        site.requests.append((path, self.headers.get("Range", "")))
        faults = site.faults.get(path)
        fault = faults.pop(0) if faults else ""
        if fault == "changed":
            site.files[path] = site.files[path][::-1]
            fault = "503"
        content = site.files.get(path)
        if path in site.redirects:
            self.send_response(302)
            self.send_header("Location", site.redirects[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if content is None or fault.isdigit():
            self._answer(int(fault or 404), b"no")
            return
        start = 0
        tag = f'"{hashlib.sha256(content).hexdigest()[:8]}"'
        if self.headers.get("If-None-Match") == tag:
            self._answer(304, b"")
            return
        wanted = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if wanted and fault != "no ranges" and self.headers.get("If-Range", tag) == tag:
            start = int(wanted)
        if start > len(content):
            self._answer(416, b"")
            return
        body = content[start:]
        if fault == "wrong":
            body = bytes(len(body))
        if fault == "longer":
            body += bytes(1 << 20)
        self._answer(206 if start else 200, body, fault, tag=tag, start=start)

    def _answer(
        self, status: int, body: bytes, fault: str = "", *, tag: str = "", start: int = 0
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if tag:
            self.send_header("ETag", tag)
        if self.path in self.site.types:
            self.send_header("Content-Type", self.site.types[self.path])
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/*")
        self.end_headers()
        if fault == "hang":
            self.wfile.flush()
            self.site.release.wait(10)
        if fault.startswith("cut "):
            body = body[: int(fault.removeprefix("cut "))]
            self.close_connection = True
        try:
            self.wfile.write(body)
            self.wfile.flush()
            self.site.sent += len(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """Nothing: tests ask the site."""


@contextmanager
def served() -> Iterator[Site]:
    """A site that answers until the block ends."""
    site = Site()
    with serving(site, _Handler):
        yield site


@dataclass
class ListeningTask:
    """Remembers what there was to do and what was done."""

    total: int = 0
    done: int = 0

    def expect(self, total: int) -> None:
        self.total = total

    def advance(self, amount: int) -> None:
        self.done += amount

    def say(self, text: str) -> None:
        """Not looked at."""


class ListeningReport(SilentReport):
    """Remembers warnings and tasks."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.tasks: list[ListeningTask] = []

    @contextmanager
    def task(self, title: str, unit: Unit = "items") -> Iterator[Task]:
        self.tasks.append(ListeningTask())
        yield self.tasks[-1]

    def warn(self, text: str, hint: str = "") -> None:
        self.warnings.append(text)


def tar(entries: Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A tar as dpkg-deb makes them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry, data in entries:
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    """A tar entry with these fields."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def ar(members: Sequence[tuple[str, bytes]]) -> bytes:
    """An ar archive."""
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return out


def deb(data_tar: bytes, ending: str = ".xz") -> bytes:
    """A Debian package around a data.tar, packed as its ending says."""
    match ending:
        case ".xz":
            packed = lzma.compress(data_tar)
        case ".gz":
            packed = gzip.compress(data_tar)
        case ".zst":
            import zstandard

            packed = zstandard.compress(data_tar)
        case _:
            packed = data_tar
    members = [("debian-binary", b"2.0\n"), ("control.tar.gz", gzip.compress(tar([])))]
    return ar([*members, (f"data.tar{ending}", packed)])


def stanza(name: str, version: str = "1.0", **fields: str) -> str:
    """A package's entry in a Packages file; its file is made of its name."""
    content = f"{name} {version}".encode()
    known = {
        "Package": name,
        "Version": version,
        "Architecture": "amd64",
        **{key.replace("_", "-"): value for key, value in fields.items()},
        "Filename": f"pool/main/{name}_{version}_amd64.deb",
        "Size": str(len(content)),
        "SHA256": hashlib.sha256(content).hexdigest(),
    }
    return "".join(f"{key}: {value}\n" for key, value in known.items()) + "\n"


def signing_key() -> Any:
    """A key of our own, with secrets."""
    import pysequoia

    return pysequoia.Tsk.generate("tests")


def signed(text: str, key: Any) -> bytes:
    """A clear-signed text."""
    import pysequoia

    mode = pysequoia.SignatureMode.CLEAR
    return pysequoia.sign(key.signer(), text.encode(), mode=mode)


def release(packages: str, *, suite: str = "trixie", **fields: str) -> tuple[str, dict[str, bytes]]:
    """A Release for one list of amd64, and the files below dists/SUITE that it promises."""
    plain = packages.encode()
    packed = lzma.compress(plain)
    digest = hashlib.sha256(packed).hexdigest()
    folder = "main/binary-amd64"
    known = {
        "Origin": "Debian",
        "Suite": "stable",
        "Codename": suite,
        "Date": "Sat, 21 Nov 2026 09:15:44 UTC",
        "Acquire-By-Hash": "yes",
        "Architectures": "all amd64 arm64",
        **{key.replace("_", "-"): value for key, value in fields.items()},
    }
    text = "".join(f"{key}: {value}\n" for key, value in known.items() if value)
    text += "SHA256:\n"
    for content, ending in ((plain, ""), (packed, ".xz")):
        text += f" {hashlib.sha256(content).hexdigest()} {len(content)} {folder}/Packages{ending}\n"
    return text, {f"{folder}/by-hash/SHA256/{digest}": packed}
