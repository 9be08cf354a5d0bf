"""The story of what a machine is equipped with: files, units, quadlets, scripts, brought by ssh.

All but the scripts of the first start come anew each time it boots, since its root does not last.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from b2p import inside
from b2p.client import ssh
from b2p.errors import GuestError, UsageError
from b2p.host import process
from b2p.provision import bundle
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from b2p.host.process import Completed
    from b2p.provision.bundle import Entry
    from b2p.report import Task
    from b2p.settings import Settings
    from b2p.store.record import Record
    from b2p.ways import Context

STAGE = "provisioning"
STEP_SECONDS = 120.0
SCRIPT_SECONDS = 3600.0
LAST_LINES = 20


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything, read from this computer before the machine is started."""

    entries: tuple[Entry, ...] = ()
    first: tuple[str, ...] = ()
    """Scripts in the machine, for its first start."""
    each: tuple[str, ...] = ()
    """For each start."""
    services: tuple[str, ...] = ()
    """Units to start."""
    has_units: bool = False
    """Quadlets included."""
    has_quadlets: bool = False


def packed(settings: Settings) -> Kit:
    """What the settings ask for; raises UsageError where a file is missing."""
    entries = [entry for pair in settings.files for entry in _files(pair)]
    services = []
    for host in (*settings.units, *settings.quadlets):
        path = Path(host)
        is_quadlet = host in settings.quadlets
        content = _content(path)
        known = bundle.QUADLET_SUFFIXES if is_quadlet else bundle.UNIT_SUFFIXES
        if path.suffix not in known:
            kind = "quadlet" if is_quadlet else "unit of systemd"
            raise UsageError(f"{host!r} is no {kind}", f"name it with one of {', '.join(known)}")
        place = bundle.QUADLETS if is_quadlet else bundle.UNITS
        entries.append(bundle.Entry(f"{place}/{path.name}", content))
        if bundle.is_wanted(content):
            services.append(bundle.service_of(path.name) if is_quadlet else path.name)
    scripts = [*settings.provision, *settings.each_start]
    places = [bundle.script_path(number, name) for number, name in enumerate(scripts, 1)]
    entries += [
        bundle.Entry(place, _content(Path(script)), 0o755)
        for place, script in zip(places, scripts, strict=True)
    ]
    count = len(settings.provision)
    return Kit(
        entries=tuple(entries),
        first=tuple(places[:count]),
        each=tuple(places[count:]),
        services=tuple(services),
        has_units=bool(settings.units or settings.quadlets),
        has_quadlets=bool(settings.quadlets),
    )


def equip(context: Context, record: Record, kit: Kit, *, now: str, again: bool = False) -> Record:
    """Bring it all in and run what is due; nothing is done twice unless `again`. `now` is ISO 8601.

    Raises GuestError with what a script said; the machine is left as it is, to be looked at.
    """
    machine = _Machine(context, record)
    is_fresh = machine.status(f"test -e {bundle.MARK}") != 0
    due = kit.first if again or not record.provisioned else ()
    if not is_fresh and not due:
        return record
    with context.report.task(f"provisioning machine {record.name!r}") as task:
        task.say("files")
        machine.run("tar -xf - -C /", "its files", stdin=bundle.archive(kit.entries))
        if kit.has_units:
            task.say("units")
            machine.run(_units_line(record, kit), "its units", timeout=SCRIPT_SECONDS)
        machine.scripts(due, task)
        if is_fresh:
            machine.scripts(kit.each, task)
        machine.run(f"touch {bundle.MARK}", "its mark")
    if due:
        record = replace(record, provisioned=now)
        records.write(context.files.record, record)
    return record


class _Machine:
    """A running machine as root's shell, a connection a command."""

    def __init__(self, context: Context, record: Record) -> None:
        user = inside.user_of(record)
        self.name = record.name
        self._sudo = () if user == ssh.USER else ("sudo",)
        self._target = inside.reach(
            context.layout, record.name, record.ssh_port, "root" if user == ssh.USER else user
        )

    def status(self, line: str) -> int:
        """How a command ends."""
        return self._ended(line, b"", STEP_SECONDS).status

    def run(
        self, line: str, what: str, *, stdin: bytes = b"", timeout: float = STEP_SECONDS
    ) -> None:
        """Run a command to its success; raises GuestError with what it said."""
        ended = self._ended(line, stdin, timeout)
        if ended.status:
            said = (ended.stdout + ended.stderr).decode(errors="replace").splitlines()
            raise GuestError(
                STAGE,
                f"{what} ended with status {ended.status}",
                f"look inside: b2p ssh {self.name}; b2p up {self.name} tries again",
                details="\n".join(said[-LAST_LINES:]),
            )

    def scripts(self, places: Sequence[str], task: Task) -> None:
        """Run these, one after another."""
        for place in places:
            name = place.rpartition("/")[2].partition("-")[2]
            task.say(name)
            line = f"cd / && B2P_MACHINE={self.name} {shlex.quote(place)} 2>&1"
            self.run(line, f"{name!r}", timeout=SCRIPT_SECONDS)

    def _ended(self, line: str, stdin: bytes, timeout: float) -> Completed:
        words = shlex.join([*self._sudo, "sh", "-c", line])
        command = ssh.argv(self._target, words, terminal=False, program=ssh.tool("ssh"))
        ended = process.run(command, timeout=timeout, input=stdin, check=False)
        if ended.status == inside.SSH_FAILED:
            said = ended.stderr.decode(errors="replace")
            raise GuestError(
                STAGE,
                f"machine {self.name!r} does not let us in",
                f"see 'b2p logs {self.name}'",
                details=said,
            )
        return ended


def _units_line(record: Record, kit: Kit) -> str:
    """What makes systemd know the units, and starts those that ask for it."""
    steps = [bundle.QUADLET_GENERATOR] if kit.has_quadlets and not record.family else []
    steps.append("systemctl daemon-reload")
    if kit.services:
        steps.append(f"systemctl start {shlex.join(kit.services)}")
    return " && ".join(steps)


def _files(pair: str) -> Iterator[Entry]:
    """A file, or all in a directory, with their modes."""
    host, _, guest = pair.rpartition(":")
    root = Path(host)
    if not root.is_dir():
        yield bundle.Entry(guest, _content(root), root.stat().st_mode & 0o755)
        return
    for path in sorted(root.rglob("*")):
        if path.is_file():
            place = f"{guest}/{path.relative_to(root).as_posix()}"
            yield bundle.Entry(place, _content(path), path.stat().st_mode & 0o755)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be read: {os.strerror(error.errno or 0).lower()}",
            "see 'b2p config' for who asks for it",
        ) from error
