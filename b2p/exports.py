"""The story of `b2p image export`: a built image as a medium for whatever computer or cluster."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast, get_args

from b2p import sizes
from b2p.errors import UsageError
from b2p.image import cache, exported, kubevirt, loaders, recipe
from b2p.partfile import explained
from b2p.supply import Supply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.image.cache import Image
    from b2p.image.loaders import Loaders
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout

Format = Literal["iso", "qcow2", "raw", "containerdisk"]
FORMATS: tuple[Format, ...] = get_args(Format)
_ENDINGS: dict[Format, str] = {
    "iso": ".iso",
    "qcow2": ".qcow2",
    "raw": ".raw",
    "containerdisk": ".oci.tar",
}
LEAST_DISK = 1 << 30
"""Bytes of a disk that is to have room for containers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be made of which image."""

    form: Format
    digest: str = ""
    """How the image's digest begins; empty for the newest by this b2p."""
    output: Path | None = None
    """Where to; None for a name of b2p's in the working directory."""
    disk: str = "20GiB"
    """How large a disk is for the guest; an ISO is as large as what it holds."""
    reference: str = ""
    """What a registry will call the containerdisk; empty for a name of b2p's."""
    force: bool = False
    """Whether a file that is there is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was made."""

    digest: str
    form: Format
    path: Path
    size: int
    """Bytes of the file."""
    used: int
    """Of these, what it takes of the disk: the rest is holes."""
    manifest: Path | None = None
    """The VirtualMachine beside a containerdisk."""
    reference: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs: keys are only ever added."""
        return {
            "digest": self.digest,
            "format": self.form,
            "path": str(self.path),
            "size": self.size,
            "used_bytes": self.used,
            "manifest": str(self.manifest) if self.manifest else None,
            "reference": self.reference,
        }


def export(wish: Wish, settings: Settings, layout: Layout, report: Report) -> Exported:
    """Write the image to a new file, whole or not at all.

    Raises UsageError where there is such a file, or no such image; HostError where the disk is
    full; DownloadError where boot loaders must be fetched and cannot be.
    """
    disk = sizes.parsed(wish.disk, what="--disk")
    if disk < LEAST_DISK:
        raise UsageError(f"--disk {wish.disk} is too small", "give at least 1GiB")
    with Supply(settings, layout, report) as supply:
        image = _chosen(wish.digest, supply, layout)
        target = wish.output or Path(f"b2p-{image.digest[:12]}{_ENDINGS[wish.form]}")
        beside = target.with_name(f"{target.name}.yaml") if wish.form == "containerdisk" else None
        for path in filter(None, (target, beside)):
            if path.is_dir() or (path.exists() and not wish.force):
                raise UsageError(f"there is {str(path)!r} already", "name another file, or --force")
        found = loaders.bring(supply.archive, image.arch, layout.loaders)
    reference = wish.reference or f"localhost/b2p:{image.digest[:12]}"
    with report.task(f"exporting {image.digest[:12]} as {wish.form}"), _aside(target) as file:
        _write(wish.form, image, found, file, disk=disk, reference=reference, room=target.parent)
    if beside is not None:
        with _aside(beside) as file:
            file.write(_machine(reference, layout).encode())
    return Exported(
        digest=image.digest,
        form=wish.form,
        path=target,
        size=target.stat().st_size,
        used=target.stat().st_blocks * 512,
        manifest=beside,
        reference=reference if beside else "",
    )


def _chosen(prefix: str, supply: Supply, layout: Layout) -> Image:
    image = cache.by_prefix(layout.images, prefix) if prefix else supply.image("")
    if image is None:
        raise UsageError("there is no image of this b2p's yet", "build one: b2p image build")
    loaders.check(image.arch)
    if not image.manifest.get(recipe.ALONE):
        raise UsageError(
            f"the image {image.digest[:12]!r} is of an older b2p, and starts in its machines only",
            "build a current one: b2p image build",
        )
    return image


def _write(
    form: Format,
    image: Image,
    found: Loaders,
    out: BinaryIO,
    *,
    disk: int,
    reference: str,
    room: Path,
) -> None:
    if form == "iso":
        exported.write_iso(image, found, out)
    elif form == "raw":
        exported.write_raw(image, found, out, size=disk)
    elif form == "qcow2":
        exported.write_qcow2(image, found, out, size=disk, room=room)
    else:
        exported.write_containerdisk(image, found, out, size=disk, reference=reference, room=room)


@contextlib.contextmanager
def _aside(target: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when it is whole, and goes without a trace when it is not."""
    with explained(target):
        made = tempfile.NamedTemporaryFile(  # noqa: SIM115 - it is closed below, and renamed
            prefix=f".{target.name}.", suffix=".part", dir=target.parent, delete=False
        )
        aside = Path(made.name)
        try:
            with made:
                yield cast("BinaryIO", made.file)
            aside.chmod(0o644)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)


def _machine(reference: str, layout: Layout) -> str:
    public = layout.user_key.with_suffix(".pub")
    keys = [public.read_text().strip()] if public.exists() else []
    return kubevirt.machine(name="b2p", reference=reference, keys=keys)
