"""Where stand-ins are made: b2p's own QEMU runs scripts in a tree and keeps the disks they write.

No root, no loop device, nothing but Python and what b2p fetches by itself.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from b2p import settings
from b2p.errors import GuestError, HostError
from b2p.host import computer, process
from b2p.image import builder, initrd
from b2p.store import lock, places
from b2p.supply import Supply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from b2p.machine.model import Host
    from b2p.report import Report
    from tests.standins.packages import Parts

GUEST = Path(__file__).parent / "guest"
DEADLINE_SECONDS = 1800.0
WAIT_SECONDS = 3600.0
LAST_LINES = 30
MEMORY_MIB = 3072


@dataclass
class Workshop:
    """Makes each thing once: what is kept in `cache`/standins is named by its recipe's digest."""

    cache: Path
    report: Report

    @cached_property
    def supply(self) -> Supply:
        """b2p's own way to QEMU and to Debian's packages."""
        environ = {**os.environ, "B2P_CACHE_DIR": str(self.cache)}
        layout = replace(
            places.layout(environ, on_network=computer.is_network_filesystem), cache=self.cache
        )
        wishes = settings.Settings(cpus=2, mirror=os.environ.get("B2P_MIRROR", ""))
        return Supply(wishes, layout, self.report)

    def close(self) -> None:
        """Let connections go."""
        if "supply" in self.__dict__:
            self.supply.__exit__(None, None, None)

    @cached_property
    def host(self) -> Host:
        """This computer with b2p's QEMU."""
        return self.supply.host(self.supply.qemu())

    def kept(self, name: str, digest: str, make: Callable[[Path], None]) -> Path:
        """The directory of that stand-in; `make` fills a new one, which is kept when whole."""
        home = self.cache / "standins" / f"{name}-{digest}"
        if home.exists():
            return home
        home.parent.mkdir(parents=True, exist_ok=True)
        with lock.hold(
            home.parent / f".{name}.lock",
            command="scripts/standins",
            what=f"the stand-in {name}",
            wait=WAIT_SECONDS,
            on_wait=lambda _: self.report.note(f"waiting for another that makes {name}"),
        ):
            if home.exists():
                return home
            with _aside(home.parent, name) as made:
                make(made)
                _drop_older(home)
                made.rename(home)
        return home

    def run(self, parts: Parts, tree: Path, disks: Mapping[str, int], out: Path) -> None:
        """Boot the tree in a VM, which runs its /standin/build with the disks as vdb, vdc, ….

        `disks` are names and sizes; they are made in `out`, sparse.
        """
        work = tree.parent
        files = builder.BuilderFiles(
            kernel=work / "kernel",
            initrd=work / "initrd",
            tree=tree,
            output=out / next(iter(disks)),
            console=work / "console.log",
        )
        files.kernel.write_bytes(parts.kernel)
        init = (GUEST / "workshop/init").read_bytes()
        # What is not among the modules is built into this kernel.
        wanted = [name for name in ("virtio_blk", "ext4") if name in parts.modules]
        files.initrd.write_bytes(
            initrd.initrd(busybox=parts.busybox, init=init, modules=parts.modules, wanted=wanted)
        )
        files.console.touch()
        for name, size in disks.items():
            with (out / name).open("wb") as file:
                file.truncate(size)
        self._run(files, [out / name for name in list(disks)[1:]])

    def _run(self, files: builder.BuilderFiles, more: Sequence[Path]) -> None:
        command = builder.builder_argv(self.host, files)
        command[command.index("-m") + 1] = f"{MEMORY_MIB}M"
        for number, disk in enumerate(more):
            command += builder._disk(f"output{number}", disk, "discard=unmap,")
        with self.report.task("building disks in a machine of their own") as task:
            told: list[str] = []

            def console() -> str:
                return files.console.read_text(errors="replace")

            def watch() -> None:
                for stage in builder.stages(console())[len(told) :]:
                    told.append(stage)
                    task.say(stage)
                    self.report.note(stage)

            log = files.console.with_name("qemu.log")
            try:
                status = process.run_watched(command, log, watch, DEADLINE_SECONDS)
            except HostError as error:
                raise _unfinished(console(), error.message) from error
            if status or not builder.finished(console()):
                raise _unfinished(console(), log.read_text(errors="replace")[-2000:])


def _unfinished(console: str, said: str) -> GuestError:
    why = builder.failure(console) or said or "it ended too early"
    told = builder.stages(console)
    lines = "\n".join(console.splitlines()[-LAST_LINES:])
    return GuestError(told[-1] if told else "starting", why, "look at the details", details=lines)


@contextmanager
def _aside(parent: Path, name: str) -> Iterator[Path]:
    """A new directory that is removed unless it was renamed; what a killed one left goes first."""
    for left in parent.glob(f".new-{name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f".new-{name}-", dir=parent))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _drop_older(home: Path) -> None:
    """Stand-ins of the same name by other recipes: nobody will ask for them again."""
    name = home.name.rpartition("-")[0]
    for other in home.parent.glob(f"{name}-*"):
        if other.name.rpartition("-")[0] == name:
            shutil.rmtree(other, ignore_errors=True)
