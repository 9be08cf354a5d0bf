"""The packages of an image, chosen and brought: the newest that Debian has, or those of a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.debian.archive import StaleIndexError
from b2p.errors import DownloadError, TamperedError, UsageError
from b2p.image import lockfile, recipe

if TYPE_CHECKING:
    from b2p.debian.archive import Archive
    from b2p.image.build import Build
    from b2p.image.lockfile import Lock, Locked
    from b2p.machine.model import Arch


def newest(archive: Archive, build: Build, arch: Arch, extra: tuple[str, ...]) -> None:
    """Fetch and unpack what the recipe and `extra` need, as Debian has it now."""
    from b2p.debian.closure import closure
    from b2p.debian.suites import TRIXIE

    roots = recipe.packages(build.engine, arch, extra)
    archive.with_fresh_index(
        TRIXIE,
        recipe.DEBIAN_ARCHITECTURES[arch],
        lambda index: build.gather(archive, closure(index, roots, without=recipe.WITHOUT)),
    )


def locked(archive: Archive, build: Build, arch: Arch, lock: Lock) -> None:
    """Fetch and unpack just what the lock names; raises DownloadError that names what is gone."""
    if lock.arch != arch:
        raise UsageError(
            f"the lock is for {lock.arch} processors, the image is to be for {arch}",
            f"build that: --arch {lock.arch}; or make another lock: --lock NEW-FILE",
        )
    mirrors = {security: archive.mirror(security=security) for security in (False, True)}
    packages = [lockfile.package(one, mirrors[one.security]) for one in lock.packages]
    try:
        build.gather(archive, packages)
    except StaleIndexError as error:
        one = _blamed(error, lock)
        raise DownloadError(
            f"{one.name} {one.version} of the lock is gone from the mirrors: {error.message}",
            "set 'mirror' to one that keeps old packages, or build without the lock",
        ) from error
    except TamperedError as error:
        one = _blamed(error, lock)
        raise TamperedError(
            f"{one.name} {one.version} is not the one that the lock names: {error.message}",
            "ask another mirror, or build without the lock",
        ) from error


def _blamed(error: DownloadError, lock: Lock) -> Locked:
    """The package that an error is about; the error again where it is about none."""
    for one in lock.packages:
        if one.filename in error.message or one.sha256 in error.message:
            return one
    raise error


def lock_of(build: Build, archive: Archive, *, arch: Arch, recipe_name: str, image: str) -> Lock:
    """The lock that makes the image again that was just built."""
    return lockfile.Lock(
        arch=arch,
        suite=recipe.SUITE,
        recipe=recipe_name,
        image=image,
        extra=build.extra,
        engine=build.engine.name,
        packages=tuple(
            lockfile.locked(one, security=archive.is_security(one)) for one in build.packages
        ),
    )
