"""Built images on disk: each in a directory named by its digest, with a manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from b2p.errors import StateError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.machine.model import Arch

MANIFEST = "manifest.json"
KERNEL = "kernel"
INITRD = "initrd"
ROOT = "root.squashfs"
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image: immutable, complete, named by the digest of all that went into it."""

    digest: str
    arch: Arch
    recipe: str
    directory: Path
    manifest: dict[str, Any]
    extra: tuple[str, ...] = ()
    """The packages that were asked for beside b2p's own, sorted."""
    engine: str = "podman"
    """Which one it has: b2p/machine/engines.py."""

    @property
    def kernel(self) -> Path:
        """The kernel, as QEMU boots it."""
        return self.directory / KERNEL

    @property
    def initrd(self) -> Path:
        """The initrd."""
        return self.directory / INITRD

    @property
    def root(self) -> Path:
        """The system's squashfs."""
        return self.directory / ROOT


def read(directory: Path) -> Image:
    """The image in that directory; raises StateError where it is not a whole one."""
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
        known = manifest["schema"] == SCHEMA
        sizes = {name: facts["size"] for name, facts in manifest["files"].items()}
        whole = {KERNEL, INITRD, ROOT} <= sizes.keys() and all(
            (directory / name).stat().st_size == size for name, size in sizes.items()
        )
        image = Image(
            digest=str(manifest["digest"]),
            arch=manifest["arch"],
            recipe=str(manifest["recipe"]),
            directory=directory,
            manifest=manifest,
            extra=tuple(map(str, manifest.get("extra", ()))),
            engine=str(manifest.get("engine", "podman")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(directory, str(error)) from error
    if not known or not whole:
        raise _broken(directory, "files are missing or of another size")
    return image


def _broken(directory: Path, why: str) -> StateError:
    return StateError(
        f"the image {directory.name[:12]!r} in the cache cannot be used: {why}",
        f"remove {str(directory)!r}; b2p builds it again",
    )


def every(images: Path) -> list[Image]:
    """All whole images of the cache, the newest first; broken ones are passed over."""
    found = []
    for directory in images.iterdir() if images.is_dir() else ():
        if directory.name.startswith("."):
            continue
        try:
            found.append((directory.stat().st_mtime, read(directory)))
        except StateError:
            continue
    return [image for _, image in sorted(found, key=lambda pair: pair[0], reverse=True)]


def newest(images: Path, *, recipe: str, arch: Arch, extra: tuple[str, ...] = ()) -> Image | None:
    """The image built last by this recipe for that architecture, with just these packages more."""
    wanted = (recipe, arch, extra)
    fitting = (one for one in every(images) if (one.recipe, one.arch, one.extra) == wanted)
    return next(fitting, None)


def by_prefix(images: Path, prefix: str) -> Image:
    """The one image whose digest begins so; raises UsageError where none or several do."""
    found = [image for image in every(images) if prefix and image.digest.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(image.digest[:12] for image in every(images)) or "none yet"
    raise UsageError(
        f"{prefix!r} names {'several images' if found else 'no image that b2p knows'}",
        f"take 'b2p', or the digest of one in the cache: {known}",
    )


def by_digest(images: Path, digest: str) -> Image:
    """The image of exactly that digest; raises StateError where the cache lost it."""
    directory = images / digest
    if not directory.is_dir():
        raise StateError(
            f"the image {digest[:12]!r} is no longer in the cache",
            "b2p up --image b2p builds a current one; the machine's data stays",
        )
    return read(directory)
