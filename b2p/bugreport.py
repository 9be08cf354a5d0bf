"""The story of `b2p report`: one archive that tells what a mender needs, and nobody's names."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import io
import json
import os
import platform
import shlex
import tarfile
import time
from typing import TYPE_CHECKING, Any

from b2p import __version__, doctor, status
from b2p.errors import B2PError, UsageError
from b2p.partfile import explained
from b2p.plain import plain, tail
from b2p.redaction import Redaction
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from b2p.report import Report
    from b2p.settings import Layer, Settings
    from b2p.store.layout import Layout, MachineFiles

LINES = 400
"""Of a log, from its end."""
LEFT_OUT = (
    "ssh keys, tokens, logins",
    "names of people, computers and machines",
    "the environment",
)
QUESTIONS = ("query-status", "query-version", "query-block", "query-chardev", "query-cpus-fast")


def write(
    name: str,
    target: Path,
    layout: Layout,
    report: Report,
    *,
    settings: Settings,
    layers: list[Layer],
) -> list[str]:
    """Write the archive to a new file; the names of the files in it."""
    if target.exists():
        raise UsageError(
            f"there is {str(target)!r} already", "name another: b2p report --file FILE"
        )
    redaction = _redaction(layout)
    found = {
        path: redaction.applied(plain(text))
        for path, text in _parts(name, layout, settings, layers, report)
    }
    found["README.txt"] = _readme(found)
    with explained(target), target.open("xb") as file:
        target.chmod(0o600)
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for path, text in sorted(found.items()):
                entry = tarfile.TarInfo(f"b2p-report/{path}")
                content = text.encode()
                entry.size, entry.mtime = len(content), int(time.time())
                archive.addfile(entry, io.BytesIO(content))
    return sorted(found)


def _redaction(layout: Layout) -> Redaction:
    listing = records.listing(layout.machines)
    names = set(listing.names)
    networks = {one.network for one in listing.records} - {""}
    tokens = []
    for name in names:
        with contextlib.suppress(OSError, B2PError):
            tokens.append(layout.machine(name).token.read_text())
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    return Redaction(
        home=os.environ.get("HOME", ""),
        # root is nobody's name, and stands in every second line.
        user="" if user == "root" else user,
        host=platform.node(),
        machines=(names | networks) - {"default"},
        tokens=tokens,
    )


def _readme(found: dict[str, str]) -> str:
    lines = ["What b2p tells of a failure. Read it before you send it.", "", "In it:"]
    lines += [f"  {path} ({len(text.encode())} bytes)" for path, text in sorted(found.items())]
    lines += ["", "Taken out:", *(f"  {one}" for one in LEFT_OUT), ""]
    return "\n".join(lines)


def _parts(
    name: str, layout: Layout, settings: Settings, layers: list[Layer], report: Report
) -> Iterator[tuple[str, str]]:
    yield "versions.txt", _versions()
    checks = [dataclasses.asdict(one) for one in doctor.examined(settings, layout, report)]
    yield "doctor.json", json.dumps(checks, indent=1)
    said = {layer.origin: sorted(layer.values) for layer in layers if layer.values}
    yield "settings-that-were-set.json", json.dumps(said, indent=1)
    machines = [one.as_json() for one in status.all_machines(layout)]
    yield "machines.json", json.dumps(machines, indent=1, default=str)
    yield from _of_machine(name, layout)
    accidents = sorted((layout.cache / "accidents").glob("*.txt"))[-3:]
    for number, path in enumerate(accidents, 1):
        yield f"accident-{number}.txt", tail(path, LINES)


def _versions() -> str:
    lines = [
        f"b2p {__version__}",
        f"Python {platform.python_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
    ]
    with contextlib.suppress(OSError):
        lines.append(platform.freedesktop_os_release().get("PRETTY_NAME", ""))
    return "\n".join([*lines, ""])


def _of_machine(name: str, layout: Layout) -> Iterator[tuple[str, str]]:
    files = layout.machine(name)
    for path, log in (("console.txt", files.console_log), ("qemu.txt", files.qemu_log)):
        if text := tail(log, LINES):
            yield path, text
    try:
        record = records.read(files.record)
    except B2PError as error:
        yield "machine.txt", f"{error.message}\n"
        return
    if record is None:
        return
    yield "machine.json", records.encoded(record).decode()
    yield "command.txt", f"{shlex.join(record.command)}\n"
    if text := _monitor(files):
        yield "qmp.json", text


def _monitor(files: MachineFiles) -> str:
    """What its QEMU says of itself; empty where none answers."""
    from b2p.control.quick import QuickMonitor

    answers: dict[str, Any] = {}
    with contextlib.suppress(B2PError), QuickMonitor(files.calls) as monitor:
        for question in QUESTIONS:
            with contextlib.suppress(B2PError):
                answers[question] = monitor.execute(question)
        answers["info usernet"] = monitor.hmp("info usernet").splitlines()
    return json.dumps(answers, indent=1) if answers else ""
