"""Debian packages -> an image in the cache: fetch, unpack, finish in a VM, name by digest."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from b2p import __version__, firmware
from b2p.errors import GuestError, HostError, StateError, TamperedError
from b2p.formats import cpio
from b2p.image import builder, cache, firmware_files, hardware, modules, recipe, tree
from b2p.image import initrd as initrds
from b2p.machine import engines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from b2p.debian.archive import Archive
    from b2p.debian.index import Package
    from b2p.machine.engines import Engine
    from b2p.machine.model import Arch, Host
    from b2p.report import Report

ALIGNMENT = 4096
LAST_LINES = 15
"""Of the builder's console, shown where it failed."""
BUSYBOX = "usr/bin/busybox"
ASIDE = ".building-"
"""How the name of an image under construction begins."""


class Runner(Protocol):
    """Runs a command to its end, calling `watch` several times a second meanwhile."""

    def __call__(self, command: Sequence[str], log: Path, watch: Watch, timeout: float) -> None:
        """Raises HostError where it cannot start, fails or is overdue."""


class Watch(Protocol):
    """Called while a command runs; what it raises ends the command."""

    def __call__(self) -> None:
        """Look once."""


def recipe_digest(engine: Engine = engines.PODMAN) -> str:
    """One digest of everything but the packages that decides what an image becomes."""
    parts = (recipe, hardware, tree, builder, initrds, modules)
    sources = [Path(str(part.__file__)) for part in parts]
    state = hashlib.sha256(firmware_files.digest(firmware.directory(), engine).encode())
    state.update(json.dumps([engine.name, engine.packages]).encode())
    for source in sources:
        state.update(hashlib.sha256(source.read_bytes()).digest())
    return state.hexdigest()


def image_digest(
    recipe_name: str, arch: Arch, packages: Sequence[Package], extra: tuple[str, ...] = ()
) -> str:
    """The name of the image that this recipe makes of these packages."""
    inputs: list[object] = [recipe_name, arch, [[one.name, one.sha256] for one in packages]]
    if extra:
        inputs.append(extra)
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


class Build:
    """One image under construction, in a directory of its own beside the finished ones.

    gather() needs no QEMU, so one can be brought meanwhile; finish() does.
    """

    def __init__(
        self,
        *,
        arch: Arch,
        images: Path,
        report: Report,
        extra: tuple[str, ...] = (),
        engine: Engine = engines.PODMAN,
    ) -> None:
        """`extra` are the packages that were asked for beside b2p's own."""
        self._arch = arch
        self.engine = engine
        self.extra = extra
        self._images = images
        self._report = report
        self._kernel = tree.KernelParts()
        self._busybox = b""
        self.packages: Sequence[Package] = ()
        self._undo = ExitStack()
        self._work = images

    def __enter__(self) -> Self:
        self._images.mkdir(parents=True, exist_ok=True)
        # Builds are made under a lock: what lies there was left by one that was killed.
        for left in self._images.glob(f"{ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)
        directory = tempfile.TemporaryDirectory(prefix=ASIDE, dir=self._images)
        self._work = Path(self._undo.enter_context(directory))
        return self

    def __exit__(self, *_problem: object) -> None:
        self._undo.close()

    def gather(self, archive: Archive, packages: Sequence[Package]) -> None:
        """Fetch and unpack the packages into one archive for the builder."""
        # Begun anew where an index turned out to be stale in the middle.
        self._kernel, self._busybox = tree.KernelParts(), b""
        self.packages = packages
        self._unpack(archive, packages)

    def finish(self, host: Host, run: Runner) -> cache.Image:
        """Let the tree finish and pack itself in its VM; put the image into the cache."""
        result = self._work / "image"
        result.mkdir()
        self._initrds(result)
        self._pack(host, run, result)
        name = recipe_digest(self.engine)
        digest = image_digest(name, self._arch, self.packages, self.extra)
        self._write_manifest(result, digest, name)
        target = self._images / digest
        if not self._is_there(target, result):
            shutil.rmtree(target, ignore_errors=True)
            result.rename(target)
        return cache.read(target)

    def _is_there(self, target: Path, result: Path) -> bool:
        """Whether the image was built before, byte for byte; machines may run from that one."""
        try:
            before, now = cache.read(target), cache.read(result)
        except StateError:
            return False
        if before.manifest["files"] == now.manifest["files"]:
            target.touch()
            return True
        changed = [
            name for name, facts in now.manifest["files"].items()
            if before.manifest["files"].get(name) != facts
        ]  # fmt: skip
        self._report.warn(
            f"the same packages made another {' and '.join(changed)} than last time",
            "report this: b2p's images should be the same, byte for byte",
        )
        return False

    def _unpack(self, archive: Archive, packages: Sequence[Package]) -> None:
        ordered = sorted(packages, key=lambda one: (one.name != tree.FIRST_PACKAGE, one.name))
        numbers = {package.name: number for number, package in enumerate(ordered, start=1)}
        lock = threading.Lock()
        kernel_name = recipe.KERNELS[self._arch]

        def unpack(package: Package, path: Path) -> None:
            is_kernel = package.name.startswith("linux-image-") and package.name != kernel_name
            taker = self._kernel if is_kernel else None
            part = self._work / f"{numbers[package.name]}.cpio"
            tree.write_package(path, part, number=numbers[package.name], taker=taker)
            if package.name == "busybox-static":
                with lock:
                    self._busybox = tree.file_of(path, BUSYBOX)

        archive.fetch(packages, title="fetching and unpacking packages", each=unpack)
        self._join(len(ordered))

    def _join(self, count: int) -> None:
        """The parts behind one another, b2p's own files last, then the end mark."""
        own = self._work / "own.cpio"
        root = firmware.directory()
        files = firmware_files.files_of(root, "guest", self.engine)
        build = firmware_files.files_of(root, "build", self.engine)
        files += [(f"usr/lib/b2p/build/{name}", content, mode) for name, content, mode in build]
        tree.write_files(files, own, number=count + 1)
        with (self._work / "tree.cpio").open("wb") as out:
            for part in (*(self._work / f"{number}.cpio" for number in range(1, count + 1)), own):
                with part.open("rb") as file:
                    shutil.copyfileobj(file, out, 1 << 20)
                part.unlink()
            cpio.Writer(out).trailer()
            out.write(b"\0" * (-out.tell() % ALIGNMENT))

    def _initrds(self, result: Path) -> None:
        if not self._kernel.kernel or not self._busybox:
            raise TamperedError("the packages hold no kernel or no busybox", "try another mirror")
        root = firmware.directory()
        for path, folder, wanted, more in (
            (result / cache.INITRD, "initrd", recipe.BOOT_MODULES, recipe.RAM_MODULES),
            (self._work / "initrd", "build", recipe.BUILD_MODULES, ()),
        ):
            init = firmware_files.filled((root / folder / "init").read_bytes(), self.engine)
            path.write_bytes(
                initrds.initrd(
                    busybox=self._busybox,
                    init=init,
                    modules=self._kernel.modules,
                    wanted=wanted,
                    more=more,
                )
            )
        (result / cache.KERNEL).write_bytes(self._kernel.kernel)

    def _pack(self, host: Host, run: Runner, result: Path) -> None:
        files = builder.BuilderFiles(
            kernel=result / cache.KERNEL,
            initrd=self._work / "initrd",
            tree=self._work / "tree.cpio",
            output=result / cache.ROOT,
            console=self._work / "console.log",
        )
        with files.output.open("wb") as output:
            output.truncate(builder.OUTPUT_BYTES)
        files.console.touch()
        with self._report.task("finishing the image in its own machine") as task:
            told: list[str] = []

            def watch() -> None:
                for stage in builder.stages(_console(files.console))[len(told) :]:
                    told.append(stage)
                    task.say(stage)

            command = builder.builder_argv(host, files)
            try:
                run(command, self._work / "qemu.log", watch, builder.DEADLINE_SECONDS)
            except HostError as error:
                raise _unfinished(_console(files.console), error.message, error.details) from error
            _cut(files.output, _console(files.console))

    def _write_manifest(self, result: Path, digest: str, name: str) -> None:
        facts: dict[str, Any] = {
            "schema": cache.SCHEMA,
            "digest": digest,
            "recipe": name,
            "family": recipe.NAME,
            "arch": self._arch,
            "suite": recipe.SUITE,
            "engine": self.engine.name,
            "written_by": __version__,
            "files": {path.name: facts_of(path) for path in sorted(result.iterdir())},
            "extra": list(self.extra),
            recipe.ALONE: True,
            "packages": [
                {"name": one.name, "version": one.version, "sha256": one.sha256}
                for one in self.packages
            ],
        }
        (result / cache.MANIFEST).write_text(json.dumps(facts, indent=1) + "\n")


def _console(path: Path) -> str:
    return path.read_text(errors="replace")


def _cut(output: Path, console: str) -> None:
    """Cut the packed system to its size; raises GuestError where the builder did not finish."""
    with output.open("r+b") as file:
        used = builder.squashfs_bytes(file.read(64))
        if not used or not builder.finished(console):
            raise _unfinished(console, "the builder's machine ended too early")
        file.truncate(-(-used // ALIGNMENT) * ALIGNMENT)


def _unfinished(console: str, why: str, said: str = "") -> GuestError:
    """What stopped the builder: its own word for it, else `why`; `said` are QEMU's words."""
    told = builder.stages(console)
    last = "\n".join(line for line in console.splitlines()[-LAST_LINES:] if line.isprintable())
    return GuestError(
        told[-1] if told else "starting the builder",
        builder.failure(console) or why,
        "make sure of room on the disk and of 2 GiB of free memory, and try again",
        details="\n".join(filter(None, (said, last))),
    )


def facts_of(path: Path) -> dict[str, Any]:
    """Size and digest, as manifests have them."""
    with path.open("rb") as file:
        return {
            "size": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
