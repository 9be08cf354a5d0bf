"""What podman, docker and ssh on this computer know of a machine: written by `up`, gone by `rm`.

All of it is written or none. They call it by its alias (b2p-NAME); podman and docker take it as
their default only where that was asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p import engine
from b2p.client import docker, podman, ssh
from b2p.client.documents import Change, Entry, object_of
from b2p.errors import B2PError, StateError
from b2p.store import durable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from b2p.client.documents import Client
    from b2p.report import Report
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record

SCHEMA = 1
DEFAULT_BEFORE = "default_before"


def introduce(
    record: Record,
    files: MachineFiles,
    ssh_block: str,
    report: Report,
    *,
    default: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Tell the clients that are installed; nothing is written where they know it already.

    `ssh_block` is what ssh is to know. What fails is a warning: the machine is up without it.
    """
    entry = entry_of(record.name, files)
    if record.family:
        entry = replace(entry, docker_socket=files.podman)
    try:
        notes = _notes(files)
        clients = {**_installed(record, environment), **_told(notes)}
        with _alone(clients.get("podman")):
            changes: list[Change] = []
            for kind, client in clients.items():
                if kind not in notes and client.leads_to(entry.alias) not in _expected(
                    client, entry
                ):
                    report.warn(
                        f"{kind} knows another engine as {entry.alias!r}; it stays so",
                        "take it away there; or set clients = 'off', and nobody is told",
                    )
                    continue
                note = notes.setdefault(kind, {"place": str(client.place)})
                if default and client.default() != entry.alias:
                    note[DEFAULT_BEFORE] = client.default()
                changes += client.telling(entry, default=default)
            # First what we are about to do, so that `rm` finds it whatever happens.
            text = json.dumps({"schema": SCHEMA, **notes}, indent=2)
            ours = [Change(files.clients, text), Change(files.ssh_config, ssh_block)]
            _apply([*ours, *changes])
    except B2PError as error:
        report.warn(f"podman, docker and ssh were not told of it: {error.message}", error.hint)


def forget(name: str, files: MachineFiles, report: Report) -> None:
    """Take the machine out of all that `introduce` wrote outside of its own directory."""
    entry = entry_of(name, files)
    try:
        notes = _notes(files)
        clients = _told(notes)
        with _alone(clients.get("podman")):
            changes: list[Change] = []
            for kind, client in clients.items():
                before = str(notes[kind].get(DEFAULT_BEFORE, ""))
                changes += client.forgetting(entry, default_before=before)
            _apply(changes)
    except B2PError as error:
        report.warn(f"podman or docker may know it still: {error.message}", error.hint)


def entry_of(name: str, files: MachineFiles) -> Entry:
    """The machine as clients are to know it."""
    return Entry(
        alias=ssh.alias(name),
        socket=files.podman,
        docker_socket=files.docker,
        description=f"b2p's machine {name}",
    )


def _installed(record: Record, environment: Mapping[str, str]) -> dict[str, Client]:
    """The clients on this computer that can speak with the machine's engine."""
    path = environment.get("PATH", "")
    found: dict[str, Client] = {}
    if engine.speaks_podman(record) and any(
        shutil.which(one, path=path) for one in podman.PROGRAMS
    ):
        found["podman"] = podman.Podman(podman.place(environment))
    if engine.speaks_rest(record) and any(shutil.which(one, path=path) for one in docker.PROGRAMS):
        found["docker"] = docker.Docker(docker.place(environment))
    return found


def _told(notes: Mapping[str, Mapping[str, Any]]) -> dict[str, Client]:
    """The clients that were told before, wherever their settings lay then."""
    makers: dict[str, Callable[[Path], Client]]
    makers = {"podman": podman.Podman, "docker": docker.Docker}
    return {kind: makers[kind](Path(str(note["place"]))) for kind, note in notes.items()}


def _expected(client: Client, entry: Entry) -> tuple[str, str]:
    return "", client.address(entry)


def _notes(files: MachineFiles) -> dict[str, dict[str, Any]]:
    """Which clients were told, by kind: the place of their settings, and their default before."""
    found = object_of(files.clients)
    return {
        kind: found[kind]
        for kind in ("podman", "docker")
        if isinstance(found.get(kind), dict) and found[kind].get("place")
    }


@contextlib.contextmanager
def _alone(client: Client | None) -> Iterator[None]:
    """podman's own lock, where it is there to be told: its file holds all connections."""
    if client is None:
        yield
        return
    import fcntl

    lock = client.place.with_name(f"{client.place.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("a") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise StateError(f"{str(lock)!r} cannot be made: {error.strerror}", "see to it") from error


def _apply(changes: Sequence[Change]) -> None:
    """Write them all, or none: what was written is taken back where one fails."""
    with contextlib.ExitStack() as undo:
        for change in changes:
            # A file that somebody keeps elsewhere stays a link.
            path = Path(os.path.realpath(change.path))
            before = path.read_bytes() if path.exists() else None
            if before == (change.content.encode() or None):
                continue
            undo.callback(_put, path, before, change.mode)
            _put(path, change.content.encode() or None, change.mode)
        undo.pop_all()


def _put(path: Path, content: bytes | None, mode: int) -> None:
    """One file, with the directories that it needs; with none, without those that nobody needs."""
    try:
        if content is None:
            durable.remove(path)
            with contextlib.suppress(OSError):
                for _ in range(4):
                    path = path.parent
                    path.rmdir()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = path.stat().st_mode & 0o777 if path.exists() else mode
            durable.write(path, content, mode=kept)
    except OSError as error:
        raise StateError(
            f"{str(path)!r} cannot be changed: {error.strerror}", "see to it"
        ) from error
