"""A computer for the stories of `up`, `down` and `rm`, where tests/fake_qemu.py plays QEMU."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from b2p.down import down
from b2p.host import process
from b2p.image.cache import Image
from b2p.machine.model import Host, Qemu
from b2p.remove import remove
from b2p.report import SilentReport
from b2p.settings import Settings
from b2p.status import one_machine
from b2p.store import record as records
from b2p.store.layout import Layout
from b2p.suspend import suspend
from b2p.throwaway import scratch
from b2p.up import Up, up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.report import Report, Task, Unit
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record

FAKE_QEMU = Path(__file__).with_name("fake_qemu.py")

QEMU = Qemu(
    command=("qemu-system-x86_64",),
    version=(11, 1, 3),
    machine_type="pc-q35-11.1",
    unix_forward=True,
    sandbox=True,
    origin="system",
    identity="0",
)
HOST = Host(
    arch="x86_64", qemu=QEMU, accelerator="kvm", accelerator_problem="", cores=4, memory_mib=8192
)


class Heard(SilentReport):
    """Keeps what a story says."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.said: list[str] = []

    @contextlib.contextmanager
    def task(self, title: str, unit: Unit = "items") -> Iterator[Task]:
        """Hear what the task says."""
        self.said.append(title)
        yield self

    def expect(self, total: int) -> None:
        """Hear it."""

    def advance(self, amount: int) -> None:
        """Hear it."""

    def say(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)

    def warn(self, text: str, hint: str = "") -> None:
        """Keep it."""
        self.warnings.append(f"{text}; {hint}")


class Computer:
    """One user's files, an image of nothing, and a QEMU of which `fault` says what is wrong."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(
            data=root / "data, my", cache=root / "cache", config=root / "config", sockets=root / "s"
        )
        self.report = Heard()
        self.fault = "none"
        self.host = HOST
        self.asked_for: list[str] = []
        self._processes = set(process._children)

    def supply(self, settings: Settings, layout: Layout, report: Report) -> Self:
        """In place of b2p.supply.Supply."""
        assert layout in (self.layout, self.layout.throwaway())
        assert report is self.report
        assert settings.cpus
        return self

    def all(self, digest: str = "") -> tuple[Host, Image]:
        """The host and the image."""
        self.asked_for.append(digest)
        # As a program of its own, without site: its start is most of what a test here takes.
        command = (sys.executable, "-I", "-S", str(FAKE_QEMU), self.fault)
        host = replace(self.host, qemu=replace(self.host.qemu, command=command))
        where = self.layout.images / "0123"
        return host, Image(digest="0123", arch="x86_64", recipe="r", directory=where, manifest={})

    def up(
        self,
        name: str = "default",
        *,
        fault: str = "none",
        dry_run: bool = False,
        extra: tuple[str, ...] = (),
        **said: Any,
    ) -> Up:
        """`b2p up` with these settings."""
        self.fault = fault
        wishes = self._wishes(said)
        return up(name, wishes, self.layout, self.report, dry_run=dry_run, extra=extra)

    def scratch(self, *command: str, fault: str = "none", **said: Any) -> int:
        """`b2p scratch -- COMMAND` with these settings."""
        self.fault = fault
        return scratch(command, self._wishes(said), self.layout, self.report)

    def _wishes(self, said: dict[str, Any]) -> Settings:
        values = {
            "cpus": 2,
            "disk": 1 << 30,
            "timeout": 20,
            "mounts": (),
            "clients": "off",
            "golden": False,
            **said,
        }
        return Settings(**values, said=frozenset(said))

    def down(self, name: str = "default", *, force: bool = False, timeout: float = 5) -> None:
        """`b2p down`."""
        down(name, self.layout, self.report, force=force, timeout=timeout)

    def suspend(self, name: str = "default") -> None:
        """`b2p suspend`."""
        suspend(name, self.layout, self.report)

    def state(self, name: str = "default") -> str:
        """Its state as `b2p status` tells it."""
        return one_machine(self.layout, name).state

    def remove(self, name: str = "default", *, force: bool = False) -> None:
        """`b2p rm`."""
        remove(name, self.layout, self.report, force=force)

    def files(self, name: str = "default") -> MachineFiles:
        """Its files."""
        return self.layout.machine(name)

    def record(self, name: str = "default") -> Record:
        """Its record."""
        found = records.read(self.files(name).record)
        assert found
        return found

    def requests(self, name: str = "default") -> list[dict[str, Any]]:
        """What the guest was asked since QEMU's start."""
        lines = self.files(name).qemu_log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def running(self) -> list[int]:
        """The QEMUs that live."""
        new = set(process._children) - self._processes
        return [pid for pid in sorted(new) if process._children[pid].poll() is None]

    def left(self) -> list[str]:
        """What lies below the machines' directories and those of the sockets."""
        throwaway = self.layout.throwaway()
        roots = (self.layout.machines, throwaway.machines, self.layout.sockets)
        return sorted(
            str(path.relative_to(root))
            for root in roots
            for path in root.rglob("*")
            if path.exists()
        )

    def end(self) -> None:
        """No QEMU outlives the test."""
        for pid in self.running():
            process._children[pid].kill()
            process._children[pid].wait()


def keys_at_once(path: Path, run: object, *, comment: str = "") -> str:
    """In place of ssh.ensure_key, which starts a program for each new key."""
    public = f"ssh-ed25519 AAAA{path.name} b2p"
    path.write_text("private\n")
    path.with_name(f"{path.name}.pub").write_text(f"{public}\n")
    return public
