"""One file with all that `up` needs on a computer without a network: `b2p bundle`, `up --bundle`.

A tar: first b2p-bundle.json, which names every other member with its size and sha256; then README,
wheels/ (b2p and what it needs), qemu/ (a QEMU of b2p's own) and image/ (b2p's image). It is not
compressed: what is large in it is so already.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from b2p import __version__, wheels
from b2p.errors import StateError, TamperedError, UsageError
from b2p.host import computer
from b2p.image import cache
from b2p.image.build import facts_of, recipe_digest
from b2p.machine import engines
from b2p.partfile import explained
from b2p.store import places
from b2p.supply import Supply, alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.report import Report, Task
    from b2p.settings import Settings
    from b2p.store.layout import Layout

SCHEMA = 1
MANIFEST = "b2p-bundle.json"
LONGEST_MANIFEST = 4 << 20
PIECE = 1 << 20
ASIDE = ".new-"
_DIGEST = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
README = """\
b2p {version} for {arch}, with all that `b2p up` needs but Python {python} and OpenSSH's client.

    tar -xf {name} wheels
    python3 -m venv b2p-venv
    b2p-venv/bin/pip install --no-index --find-links wheels b2p
    b2p-venv/bin/b2p up --bundle {name} --offline{which}
"""


@dataclass(frozen=True, slots=True)
class _Member:
    """A file of the bundle, where it lies on this computer and what it is called in there."""

    name: str
    path: Path


def write(target: Path, settings: Settings, layout: Layout, report: Report) -> int:
    """Make the bundle, with what is missing brought first; its size in bytes.

    Raises UsageError where the file is there already, HostError, DownloadError.
    """
    if target.exists():
        raise UsageError(f"{str(target)!r} is there already", "name another file")
    places.prepare(layout)
    with Supply(settings, layout, report) as supply:
        _, image = supply.all()
        qemu = _managed(supply, report)
    with explained(target), tempfile.TemporaryDirectory(prefix="b2p-bundle-") as scratch:
        made = wheels.gather(Path(scratch))
        members = [_Member(f"wheels/{path.name}", path) for path in made]
        members += _below(qemu, "qemu") if qemu else []
        members += _below(image.directory, "image")
        facts = {
            "engine": image.engine,
            "image": image.digest,
            "recipe": image.recipe,
            "qemu": qemu.name if qemu else "",
            "guest": image.arch,
        }
        aside = target.with_name(f".{target.name}-{os.getpid()}")
        try:
            _pack(aside, target.name, members, facts, report)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    return target.stat().st_size


def bring(source: Path, layout: Layout, report: Report) -> None:
    """Put what the bundle holds into this user's cache, where it is not there yet.

    Raises UsageError for what is no bundle or not one for here, TamperedError where a file is not
    the one that was packed.
    """
    try:
        with tarfile.open(source, "r:") as archive:
            manifest = _manifest(source, archive)
            _check_fit(source, manifest)
            wanted = {
                "image": layout.images / manifest["image"],
                **({"qemu": layout.qemu / manifest["qemu"]} if manifest["qemu"] else {}),
            }
            missing = {part: home for part, home in wanted.items() if not _is_whole(part, home)}
            if missing:
                places.prepare(layout)
                with explained(layout.cache), alone(layout, report, "b2p up --bundle"):
                    _unpack(source, archive, manifest["files"], missing, report)
    except tarfile.TarError as error:
        raise _no_bundle(source, str(error)) from error
    except OSError as error:
        raise UsageError(
            f"{str(source)!r} cannot be read: {error.strerror}", "see to it"
        ) from error


def _managed(supply: Supply, report: Report) -> Path | None:
    """The directory of a QEMU of b2p's own; None where b2p brings none (macOS)."""
    if sys.platform != "linux":
        report.warn("QEMU is not in the bundle: b2p brings one on Linux only", "install it there")
        return None
    return Path(supply.managed_qemu()[0]).parent.parent


def _below(home: Path, part: str) -> list[_Member]:
    paths = sorted(path for path in home.rglob("*") if path.is_symlink() or path.is_file())
    return [_Member(f"{part}/{path.relative_to(home).as_posix()}", path) for path in paths]


def _pack(
    target: Path, name: str, members: list[_Member], facts: dict[str, str], report: Report
) -> None:
    files = {one.name: _facts(one.path) for one in members}
    arch = computer.arch()
    python = ".".join(map(str, sys.version_info[:2]))
    which = f" --arch {facts['guest']}" if facts["guest"] != arch else ""
    words = {"version": __version__, "arch": arch, "python": python, "name": name, "which": which}
    readme = README.format(**words).encode()
    files["README"] = {"size": len(readme), "sha256": hashlib.sha256(readme).hexdigest()}
    manifest = {"schema": SCHEMA, "b2p": __version__, "arch": arch, **facts, "files": files}
    with (
        report.task("writing the bundle", "bytes") as task,
        tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive,
    ):
        task.expect(sum(map(_size, files.values())))
        _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
        _add(archive, "README", readme)
        for one in members:
            entry = archive.gettarinfo(one.path, one.name)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            if entry.isreg():
                with one.path.open("rb") as file:
                    archive.addfile(entry, file)
                task.advance(entry.size)
            else:
                archive.addfile(entry)


def _facts(path: Path) -> dict[str, Any]:
    if path.is_symlink():
        return {"link": str(path.readlink())}
    return facts_of(path)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _manifest(source: Path, archive: tarfile.TarFile) -> dict[str, Any]:
    """What the bundle says that it holds, its form checked; raises UsageError."""
    first = archive.next()
    if first is None or first.name != MANIFEST or not 0 < first.size <= LONGEST_MANIFEST:
        raise _no_bundle(source, f"it does not begin with {MANIFEST}")
    file = archive.extractfile(first)
    try:
        found = json.loads(file.read() if file else b"")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not _makes_sense(found):
        raise _no_bundle(source, f"its {MANIFEST} makes no sense")
    return found


def _makes_sense(found: dict[str, Any]) -> bool:
    """Whether it has all its keys, and names that can be those of directories."""
    words = [found.get(key) for key in ("b2p", "arch", "recipe")]
    digests = [found.get("image"), found.get("qemu") or "00000000"]
    return (
        found.get("schema") == SCHEMA
        and all(isinstance(word, str) for word in words)
        and all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in digests)
        and isinstance(found.get("files"), dict)
    )


def _check_fit(source: Path, manifest: dict[str, Any]) -> None:
    arch = computer.arch()
    if manifest["arch"] != arch:
        raise UsageError(
            f"{str(source)!r} is for {manifest['arch']}, this computer is {arch}",
            "make one on a computer like this",
        )
    engine = engines.ALL.get(str(manifest.get("engine", engines.PODMAN.name)))
    if engine is None or manifest["recipe"] != recipe_digest(engine):
        raise UsageError(
            f"{str(source)!r} holds the image of another b2p ({manifest['b2p']})",
            "install the b2p that is in it: its README says how",
        )


def _is_whole(part: str, home: Path) -> bool:
    """Whether the cache has it already."""
    if part == "qemu":
        return (home / "manifest.json").exists()
    try:
        cache.read(home)
    except StateError:
        return False
    return True


def _unpack(
    source: Path,
    archive: tarfile.TarFile,
    files: dict[str, Any],
    missing: dict[str, Path],
    report: Report,
) -> None:
    """Beside their places first: what is broken off leaves nothing that looks whole."""
    asides = {}
    try:
        for part, home in missing.items():
            home.parent.mkdir(parents=True, exist_ok=True)
            asides[part] = Path(tempfile.mkdtemp(prefix=ASIDE, dir=home.parent))
        wanted = {name for name in files if name.partition("/")[0] in missing}
        with report.task("unpacking the bundle", "bytes") as task:
            task.expect(sum(_size(files[name]) for name in wanted))
            for entry in _members(archive):
                if entry.name in wanted:
                    part, _, inner = entry.name.partition("/")
                    _place(archive, entry, files[entry.name], asides[part] / inner, task)
                    wanted.remove(entry.name)
        if wanted:
            raise TamperedError(
                f"{str(source)!r} is not whole: {min(wanted)!r} is missing", "copy it again"
            )
        for part, home in missing.items():
            shutil.rmtree(home, ignore_errors=True)
            asides[part].rename(home)
    finally:
        for aside in asides.values():
            shutil.rmtree(aside, ignore_errors=True)


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (entry := archive.next()) is not None:
        yield entry


def _place(
    archive: tarfile.TarFile, entry: tarfile.TarInfo, facts: Any, target: Path, task: Task
) -> None:
    """One member, which must be what the manifest says, at a place below the aside directory."""
    name = PurePosixPath(entry.name)
    if ".." in name.parts or name.is_absolute() or target.exists():
        raise _changed(entry.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    if entry.issym():
        # Libraries under several names, all of one directory.
        if entry.linkname != facts.get("link") or "/" in entry.linkname:
            raise _changed(entry.name)
        target.symlink_to(entry.linkname)
        return
    data = archive.extractfile(entry) if entry.isreg() else None
    if data is None or entry.size != _size(facts):
        raise _changed(entry.name)
    if _copied(data, target, task) != facts.get("sha256"):
        raise _changed(entry.name)
    target.chmod(0o755 if entry.mode & 0o111 else 0o644)


def _copied(data: IO[bytes], target: Path, task: Task) -> str:
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while piece := data.read(PIECE):
            digest.update(piece)
            file.write(piece)
            task.advance(len(piece))
    return digest.hexdigest()


def _size(facts: Any) -> int:
    size = facts.get("size", 0) if isinstance(facts, dict) else 0
    return size if isinstance(size, int) and size >= 0 else 0


def _changed(name: str) -> TamperedError:
    return TamperedError(
        f"{name!r} in the bundle is not what was packed", "copy it again, or make a new one"
    )


def _no_bundle(source: Path, why: str) -> UsageError:
    return UsageError(
        f"{str(source)!r} is no bundle of b2p's: {why}", "make one: 'b2p bundle FILE'"
    )
