"""b2p and what it needs as wheels, made of what is installed: nothing is fetched for them.

A wheel is a zip of the files that its RECORD names (PEP 427), and so is what pip has installed of
it, but for scripts and notes of pip's own.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from email import message_from_bytes
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.errors import HostError
from b2p.host import process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message

NAME = "b2p"
BUILD_SECONDS = 300.0
_INSTALLERS_OWN = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name: the same files make the same wheel."""


def gather(into: Path) -> list[Path]:
    """Write b2p's wheel and those of all that it needs into that directory; raises HostError."""
    try:
        found = metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        needed = _of_tree(into)
    else:
        _packed(found, into)
        needed = found.requires or []
    for one in _closure(needed):
        _packed(one, into)
    return sorted(into.glob("*.whl"))


def _of_tree(into: Path) -> list[str]:
    """Build the wheel of the tree that b2p runs from; what it requires."""
    script = Path(__file__).parent.parent / "scripts/wheel"
    if not script.exists():
        raise HostError("b2p is neither installed nor in its source tree", "install b2p again")
    process.run([str(script), str(into)], timeout=BUILD_SECONDS)
    for other in into.glob("*.tar.gz"):
        other.unlink()
    with zipfile.ZipFile(next(into.glob(f"{NAME}-*.whl"))) as archive:
        name = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return _all(message_from_bytes(archive.read(name)), "Requires-Dist")


def _closure(requirements: Iterable[str]) -> Iterator[metadata.Distribution]:
    """The installed distributions that these and their own requirements name, each once."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    waiting = [(text, "") for text in requirements]
    seen: set[tuple[str, str]] = set()
    given: set[str] = set()
    while waiting:
        text, extra = waiting.pop()
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise HostError(f"{wanted.name!r} is not installed", "install b2p again") from error
        if name not in given:
            given.add(name)
            yield found
        for one in {"", *wanted.extras} - {known for other, known in seen if other == name}:
            seen.add((name, one))
            waiting += [(need, one) for need in found.requires or ()]


def _packed(found: metadata.Distribution, into: Path) -> None:
    """One distribution's wheel, of the files that were installed of it."""
    told = found.read_text("WHEEL")
    if told is None or found.files is None:
        raise HostError(
            f"{found.name!r} was not installed from a wheel", "install b2p by pip, uv or pipx"
        )
    record = io.StringIO()
    lines = csv.writer(record, lineterminator="\n")
    home = ""
    with zipfile.ZipFile(into / _filename(found, told), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(found.files, key=str):
            name = path.as_posix()
            if name.startswith("../") or "__pycache__" in path.parts:
                continue
            if ".dist-info/" in name:
                home = name.partition("/")[0]
                if path.name in _INSTALLERS_OWN:
                    continue
            content = Path(str(path.locate())).read_bytes()
            _put(archive, name, content)
            lines.writerow((name, f"sha256={_digest(content)}", len(content)))
        lines.writerow((f"{home}/RECORD", "", ""))
        _put(archive, f"{home}/RECORD", record.getvalue().encode())


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100644 << 16
    archive.writestr(entry, content)


def _filename(found: metadata.Distribution, told: str) -> str:
    """As PEP 427 has it; several tags of a wheel become one that names them all."""
    tags = [tag.split("-") for tag in _all(message_from_bytes(told.encode()), "Tag")]
    parts = (".".join(dict.fromkeys(column)) for column in zip(*tags, strict=True))
    name = found.name.replace("-", "_").replace(".", "_")
    return f"{name}-{found.version}-{'-'.join(parts)}.whl"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _all(told: Message, key: str) -> list[str]:
    return [str(value) for value in told.get_all(key) or ()]
