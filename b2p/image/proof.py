"""Digests of large files, computed once while they do not change; detached OpenPGP signatures."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p.errors import TamperedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from b2p.report import Report

_BLOCK = 1 << 20
_MOST_REMEMBERED = 200


class Digests:
    """Digests of files, remembered with size, mtime and inode in a small JSON."""

    def __init__(self, memory: Path, report: Report) -> None:
        self._memory = memory
        self._report = report

    def of(self, path: Path, algorithm: str = "sha256") -> str:
        """The file's digest; read again only where the file is another than last time."""
        found = path.stat()
        identity = [found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev]
        name = str(path.resolve())
        entry = self._entries().get(name)
        known = {}
        if isinstance(entry, dict) and entry.get("identity") == identity:
            digests = entry.get("digests")
            known = digests if isinstance(digests, dict) else {}
        if algorithm in known:
            return str(known[algorithm])
        digest = self._computed(path, algorithm, found.st_size)
        entry = {"identity": identity, "digests": {**known, algorithm: digest}}
        self._remember(name, entry)
        return digest

    def _computed(self, path: Path, algorithm: str, size: int) -> str:
        digest = hashlib.new(algorithm)
        block = memoryview(bytearray(_BLOCK))
        with (
            self._report.task(f"checking {path.name}", "bytes") as task,
            path.open("rb", buffering=0) as file,
        ):
            task.expect(size)
            while count := file.readinto(block):
                digest.update(block[:count])
                task.advance(count)
        return digest.hexdigest()

    def _entries(self) -> dict[str, Any]:
        try:
            entries = json.loads(self._memory.read_bytes())
            return entries if isinstance(entries, dict) else {}
        except (OSError, ValueError, RecursionError):
            return {}

    def _remember(self, name: str, entry: dict[str, Any]) -> None:
        """Write it down; where that fails the file is merely read again next time."""
        others = {key: value for key, value in self._entries().items() if key != name}
        kept = dict([*others.items(), (name, entry)][-_MOST_REMEMBERED:])
        with contextlib.suppress(OSError):
            write(self._memory, kept)


def write(path: Path, values: object) -> None:
    """Put the values at `path` as JSON, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(values, file, indent=1)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_digest(where: str, promised: tuple[str, str], found: Callable[[str], str]) -> None:
    """Raise TamperedError where the digest that `found` gives for the algorithm is another."""
    algorithm, digest = promised
    if algorithm not in hashlib.algorithms_available:
        raise UsageError(f"b2p cannot compute the digest {algorithm!r}", "take sha256 or sha512")
    computed = found(algorithm)
    if computed != digest.lower():
        raise TamperedError(
            f"{where!r} is not the file that was promised: its {algorithm} is {computed[:16]}...",
            "fetch it again, and do not boot it",
        )


def signed_text(
    content: bytes, certificates: bytes, *, where: str, signature: bytes | None = None
) -> bytes:
    """What the signature of a text covers; without a detached one the text is clear-signed itself.

    Raises TamperedError where none of the certificates made it.
    """
    import pysequoia

    def store(_: list[str]) -> list[pysequoia.Cert]:
        return list(pysequoia.Cert.split_bytes(certificates))

    try:
        if signature is None:
            return pysequoia.verify(bytes=content, store=store).bytes or b""
        made = pysequoia.Sig.from_bytes(signature)
        pysequoia.verify(bytes=content, signature=made, store=store)
    except (RuntimeError, ValueError) as error:
        raise _not_its_makers(where, error) from error
    return content


def check_signature(path: Path, signature: bytes, certificates: bytes, *, where: str) -> None:
    """Raise TamperedError where none of the certificates made this detached signature of the file.

    Both may be armoured or binary.
    """
    import pysequoia

    try:
        pysequoia.verify(
            file=str(path),
            signature=pysequoia.Sig.from_bytes(signature),
            store=lambda _: pysequoia.Cert.split_bytes(certificates),
        )
    except (RuntimeError, ValueError) as error:
        raise _not_its_makers(where, error) from error


def _not_its_makers(where: str, error: Exception) -> TamperedError:
    reason = (str(error) or "it cannot be read").splitlines()[0].rstrip(".")
    return TamperedError(
        f"the signature of {where!r} is not its maker's: {reason}",
        "fetch it again from its maker, and do not boot it",
    )
