"""What a machine needs before it starts: QEMU, an accelerator, an image; brought on first use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from b2p import firmware, gather
from b2p.errors import HostError, StateError, UsageError
from b2p.host import accelerator, computer, counter, process, qemu
from b2p.image import cache, recipe
from b2p.image.build import Build, recipe_digest
from b2p.machine import engines
from b2p.machine.model import Host, Qemu
from b2p.store import lock as locks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from b2p.debian.archive import Archive
    from b2p.host.uefi import Firmware
    from b2p.image.build import Watch
    from b2p.image.cache import Image
    from b2p.image.lockfile import Lock
    from b2p.machine.engines import Engine
    from b2p.machine.model import Arch
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout

BUILD_WAIT_SECONDS = 900.0
NEEDED_BYTES = 2 << 30
"""Room that a first build takes at its height: packages, tree, packed system."""


@dataclass
class Supply:
    """Finds or brings the parts; one a story. Nothing is fetched that is there."""

    settings: Settings
    layout: Layout
    report: Report

    @cached_property
    def arch(self) -> Arch:
        """The guests' architecture: whatever is found or brought is for it."""
        return computer.guest_arch(self.settings.arch)

    @cached_property
    def archive(self) -> Archive:
        """Debian's packages, from this computer's mirror."""
        from b2p.debian import sources
        from b2p.debian.archive import Archive

        found = sources.from_computer(
            setting=self.settings.mirror or None,
            check_valid_until=self.settings.check_valid_until,
        )
        return Archive(
            sources=found,
            cache_indexes=self.layout.indexes,
            cache_debs=self.layout.debs,
            report=self.report,
            offline=self.settings.offline,
        )

    def qemu(self) -> Qemu:
        """The QEMU to use, brought if need be."""
        return qemu.find(
            self.settings.qemu,
            self.arch,
            findings=self.layout.findings,
            bring=self.managed_qemu,
            report=self.report,
        )

    def managed_qemu(self) -> tuple[str, ...]:
        """The words that start a QEMU of b2p's own, brought if need be."""
        from b2p.host import brought

        kind = brought.Kind(guest=self.arch, here=computer.arch())
        existing = brought.existing(kind, self.layout.qemu)
        return existing or brought.bring(self.archive, kind, self.layout.qemu, self.report)

    def uefi(self) -> Firmware:
        """UEFI, brought if need be: only images that do not boot by BIOS need it."""
        from b2p.host import uefi

        return uefi.bring(self.archive, self.arch, self.layout.uefi)

    def host(self, found: Qemu) -> Host:
        """This computer with that QEMU; the accelerator is proven, not believed."""
        payload = firmware.file(f"probe/{self.arch}.bin")
        chosen, problem = accelerator.prove(
            found, self.arch, self.settings.accel, payload=payload, findings=self.layout.findings
        )
        return Host(
            arch=self.arch,
            qemu=found,
            accelerator=chosen,
            accelerator_problem=problem,
            cores=computer.cores(),
            memory_mib=computer.memory_mib(),
            counter_khz=counter.khz(self.layout.findings) if chosen == "tcg" else 0,
        )

    def wished_image(self, recorded: str) -> Image | None:
        """The image to boot: what was asked for just now, else what the machine's record names.

        None where it is to be built. Raises UsageError for an image that b2p does not know.
        """
        if "image" not in self.settings.said:
            return self.image(recorded)
        if self.settings.image == recipe.NAME:
            return self.image("")
        found = cache.by_prefix(self.layout.images, self.settings.image)
        if found.arch != self.arch:
            raise UsageError(
                f"the image {found.digest[:12]!r} is for {found.arch}, the machine is {self.arch}",
                f"make one for it: b2p up NAME --arch {found.arch} --image {found.digest[:12]}",
            )
        if found.engine != self.engine.name:
            raise UsageError(
                f"the image {found.digest[:12]!r} has {found.engine}, not {self.engine.name}",
                f"make a machine for it: b2p up NAME --engine {found.engine}",
            )
        return found

    @property
    def engine(self) -> Engine:
        """The one that the image is to have."""
        return engines.by_name(self.settings.engine)

    @property
    def extra(self) -> tuple[str, ...]:
        """The packages that the image has beside b2p's own."""
        binfmt = recipe.BINFMT_PACKAGES if self.settings.binfmt else ()
        return tuple(sorted({*self.settings.packages, *binfmt}))

    def image(self, digest: str) -> Image | None:
        """The image of that digest, or ("") the newest by this b2p's recipe; None to be built."""
        if not digest:
            return cache.newest(
                self.layout.images,
                recipe=recipe_digest(self.engine),
                arch=self.arch,
                extra=self.extra,
            )
        try:
            return cache.by_digest(self.layout.images, digest)
        except StateError as error:
            self.report.warn(error.message, "a current one is taken; the machine's data stays")
            return self.image("")

    def all(self, digest: str = "") -> tuple[Host, Image]:
        """The host and the image that the machine is to boot."""
        with self:
            return self._found_or_built(digest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """No mirror is kept connected while the machine starts."""
        if "archive" in vars(self):
            self.archive.close()

    def _found_or_built(self, digest: str) -> tuple[Host, Image]:
        if self.settings.qemu not in {"auto", "managed"}:
            # A wrong path is told before anything is fetched.
            self.qemu()
        image = self.wished_image(digest)
        if image is not None:
            return self.host(self.qemu()), image
        with self._building("b2p up"):
            image = self.image("")
            if image is not None:
                return self.host(self.qemu()), image
            host, image, _ = self._built(None)
            return host, image

    def build(self, lock: Lock | None) -> tuple[Image, Lock]:
        """Build the image, from just what a lock names or (None) as Debian has it now.

        Returns it with the lock that makes it again.
        """
        with self, self._building("b2p image build"):
            _, image, lock = self._built(lock)
            return image, lock

    @contextmanager
    def _building(self, command: str) -> Iterator[None]:
        """One b2p builds at a time."""
        with alone(self.layout, self.report, command):
            try:
                yield
            except OSError as error:
                raise HostError(
                    f"the image cannot be made at {str(self.layout.cache)!r}: "
                    f"{(error.strerror or str(error)).lower()}",
                    "make room there, or set B2P_CACHE_DIR to a larger disk",
                ) from error

    def _built(self, lock: Lock | None) -> tuple[Host, Image, Lock]:
        """QEMU is brought while the image's packages are fetched and unpacked."""
        self._check_room()
        arch = self.arch
        extra = lock.extra if lock else self.extra
        engine = engines.by_name(lock.engine) if lock else self.engine
        # Made before there are two threads: both are to use, and to stop, the same one.
        archive = self.archive
        with (
            Build(
                arch=arch,
                images=self.layout.images,
                report=self.report,
                extra=extra,
                engine=engine,
            ) as build,
            ThreadPoolExecutor(1) as beside,
        ):
            try:
                coming = beside.submit(self.qemu)
                if lock:
                    gather.locked(archive, build, arch, lock)
                else:
                    gather.newest(archive, build, arch, extra)
                host = self.host(coming.result())
            except BaseException:
                archive.stop()
                raise
            image = build.finish(host, _run)
            made = gather.lock_of(
                build, archive, arch=arch, recipe_name=image.recipe, image=image.digest
            )
            return host, image, made

    def _check_room(self) -> None:
        free = computer.free_bytes(self.layout.images)
        if free < NEEDED_BYTES:
            raise HostError(
                f"{free >> 20} MiB are free at {str(self.layout.cache)!r}, "
                f"building the image takes {NEEDED_BYTES >> 20}",
                "make room there, or set B2P_CACHE_DIR to a larger disk",
            )


@contextmanager
def alone(layout: Layout, report: Report, command: str) -> Iterator[None]:
    """Nobody else puts images into the cache meanwhile, or sweeps up what seems to be left."""
    layout.images.mkdir(parents=True, exist_ok=True)
    with locks.hold(
        layout.images / ".building.lock",
        command=command,
        what="the image",
        wait=BUILD_WAIT_SECONDS,
        on_wait=lambda _: report.note("waiting for another b2p that builds the image"),
    ):
        yield


def _run(command: Sequence[str], log: Path, watch: Watch, timeout: float) -> None:
    """The builder's VM to its end, which is also the end of us when we are interrupted."""
    if process.run_watched(command, log=log, watch=watch, timeout=timeout):
        said = log.read_text(errors="replace")[-2000:]
        raise HostError("QEMU failed while it built the image", "try again", details=said)
