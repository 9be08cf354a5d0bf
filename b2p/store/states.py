"""Golden states on the disk: each in a directory named by what it was made from, with a manifest.

One is made aside and renamed, so it is whole where it is found. Whoever begins from one has its
files open at once and never writes to them, so it may be removed at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from b2p.errors import StateError
from b2p.store import durable, lock
from b2p.store.layout import StateFiles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from b2p.store.layout import MachineFiles

Kind = Literal["fresh", "bare"]

SCHEMA = 1
ASIDE = ".making-"
REFUSALS = ".refused"
"""A directory: what could not be made or did not start, so that it is not tried each time."""
AGAIN_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class State:
    """One golden state."""

    files: StateFiles
    kind: Kind
    fields: Mapping[str, str]
    """All that it depends on: see b2p/machine/state.py."""
    made_at: str
    """ISO 8601, UTC."""
    used_bytes: int
    """What it takes on the disk."""
    used_at: float
    """When a machine last began from it; seconds since the epoch."""

    @property
    def image(self) -> str:
        """The digest of the image that it is of: the directory of its kernel."""
        return PurePath(self.fields.get("image", "")).parent.name

    @property
    def key(self) -> str:
        """Its name."""
        return self.files.home.name


def key_of(fields: Mapping[str, str]) -> str:
    """The name of the state that depends on these."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


def find(states: Path, fields: Mapping[str, str]) -> State | None:
    """The state made from exactly that; raises StateError where it is there, but damaged."""
    home = states / key_of(fields)
    if not home.exists():
        return None
    found = read(home)
    if found.fields != dict(fields):
        raise _damaged(home, "its manifest tells of another")
    return found


def read(home: Path) -> State:
    """The state in that directory; raises StateError where it is not whole, or was changed."""
    files = StateFiles(home)
    try:
        values: Any = json.loads(files.manifest.read_bytes())
        if values["schema"] != SCHEMA:
            raise _damaged(home, f"its schema is {values['schema']!r}")
        for name, stamp in values["files"].items():
            if _stamp(home / name) != stamp:
                raise _damaged(home, f"its {name!r} was changed")
        return State(
            files=files,
            kind=values["kind"],
            fields={str(key): str(value) for key, value in values["fields"].items()},
            made_at=str(values["made_at"]),
            used_bytes=sum(path.stat().st_blocks * 512 for path in home.iterdir()),
            used_at=files.manifest.stat().st_mtime,
        )
    except OSError as error:
        raise _damaged(home, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(home, str(error)) from error


def every(states: Path) -> list[State]:
    """All whole states, the one that was used last first."""
    found = []
    for home in states.iterdir() if states.is_dir() else ():
        if not home.name.startswith("."):
            with contextlib.suppress(StateError):
                found.append(read(home))
    return sorted(found, key=lambda state: state.used_at, reverse=True)


def publish(
    states: Path, made: MachineFiles, kind: Kind, fields: Mapping[str, str], *, now: str
) -> State:
    """Make a state of what a machine has left, which is the state's then; raises OSError."""
    aside = states / f"{ASIDE}{key_of(fields)}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    try:
        files = StateFiles(aside)
        moves = {
            made.memory: files.memory,
            made.devices: files.devices,
            made.console_log: files.console,
        }
        if kind == "fresh":
            moves[made.data_disk] = files.disk
        for source, target in moves.items():
            source.rename(target)
            target.chmod(0o400)
            _settle(target)
        values = {
            "schema": SCHEMA,
            "kind": kind,
            "made_at": now,
            "fields": dict(fields),
            "files": {path.name: _stamp(path) for path in moves.values()},
        }
        durable.write(files.manifest, json.dumps(values, indent=2).encode() + b"\n")
        home = states / key_of(fields)
        remove(home)
        aside.rename(home)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return read(home)


def remove(home: Path) -> None:
    """Remove a state; nobody ever meets half of it."""
    with contextlib.suppress(OSError):
        (home / StateFiles(home).manifest.name).unlink()
    shutil.rmtree(home, ignore_errors=True)


def mark_used(state: State) -> None:
    """A machine begins from it now."""
    with contextlib.suppress(OSError):
        os.utime(state.files.manifest)


def trim(states: Path, most_bytes: int) -> list[State]:
    """Remove those that were not used for longest until the rest takes at most so much."""
    taken = 0
    removed = []
    for state in every(states):
        taken += state.used_bytes
        if taken > most_bytes:
            remove(state.files.home)
            removed.append(state)
    return removed


def sweep(states: Path) -> None:
    """Remove what is no whole state and is not being made, and forget what was refused."""
    whole = {state.files.home for state in every(states)}
    for path in states.iterdir() if states.is_dir() else ():
        maker = lock.holder(_lock(states, path.name.removeprefix(ASIDE)))
        if path.is_dir() and path not in whole and maker is None:
            shutil.rmtree(path, ignore_errors=True)


def lock_of(states: Path, fields: Mapping[str, str]) -> Path:
    """Held by the b2p that makes that state."""
    return _lock(states, key_of(fields))


def _lock(states: Path, key: str) -> Path:
    return states / f".{key}.lock"


def refuse(states: Path, fields: Mapping[str, str], problem: str) -> None:
    """Remember that this state cannot be had, for a day."""
    path = states / REFUSALS / key_of(fields)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(problem + "\n", encoding="utf-8")


def is_refused(states: Path, fields: Mapping[str, str]) -> bool:
    """Whether that was remembered lately."""
    path = states / REFUSALS / key_of(fields)
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    return 0 <= age < AGAIN_SECONDS


def _stamp(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} bytes, file {found.st_ino}, changed {found.st_mtime_ns}"


def _settle(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(home: Path, why: str) -> StateError:
    return StateError(f"the golden state {home.name[:12]!r} cannot be used: {why}")
