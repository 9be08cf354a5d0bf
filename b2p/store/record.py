"""What was decided about a machine (machine.json); whether it runs is asked, never stored."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from b2p.errors import B2PError, StateError
from b2p.machine import engines
from b2p.machine.architecture import ARCHITECTURES
from b2p.names import checked
from b2p.store import durable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = 1
FILE = "machine.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One machine as it was decided on; change it with dataclasses.replace and write it again."""

    name: str
    uuid: str
    image: str
    """Digest of the image that it boots."""
    cpus: int
    memory_mib: int
    disk_bytes: int
    arch: str = ""
    """The guest's processor, x86_64 or aarch64; empty where an older b2p did not say: as here."""
    accel: str = "auto"
    """The wish: auto, kvm, hvf or tcg."""
    ssh_port: int = 0
    """Port of 127.0.0.1 tried first for ssh; 0 as long as there was none."""
    created: str = ""
    """When it was made: ISO 8601, UTC."""
    written_by: str = ""
    """Version of the b2p that wrote this."""
    pid: int = 0
    """QEMU's process at the last start; worth nothing without `pid_start`."""
    pid_start: float = 0.0
    """That process's start time as host/process.py tells it; pids come round again."""
    command: tuple[str, ...] = ()
    """QEMU's words at the last start."""
    qemu: str = ""
    """Which QEMU that was: Qemu.identity."""
    extra: tuple[str, ...] = ()
    """The user's own options of QEMU."""
    varlink: str = "unix"
    """How the host reaches varlink: unix (a socket), tcp (127.0.0.1) or off."""
    varlink_port: int = 0
    """Port of 127.0.0.1 for varlink where it is tcp; 0 as long as there was none."""
    host_calls: bool = True
    """Whether its guest may ask for something on the host, such as publishing a port."""
    idle_suspend: int = 0
    """Seconds after which it is suspended when nobody needs it; 0: never."""
    publish: str = "loopback"
    """Where containers' ports are published on the host: loopback, or all its addresses."""
    ports: tuple[str, ...] = ()
    """Ports led to the guest by hand, as b2p/machine/forwards.py writes them."""
    mounts: tuple[str, ...] = ()
    """Directories of the host that the guest has: the words of b2p/machine/share.py."""
    network: str = ""
    """The network of machines that it is in; empty: none."""
    network_number: int = 0
    """Its number there, from 1 on, kept for as long as nobody else has it; 0: none yet."""
    family: str = ""
    """What kind of image it is (b2p/families); empty: b2p's own."""
    image_path: str = ""
    """Where the user's own image lies, used in place; empty: in the cache."""
    first_ready: str = ""
    """When its engine answered for the first time (ISO 8601); empty: its disk is worthless."""
    provisioned: str = ""
    """When the scripts of its first start had all run (ISO 8601); empty: they are due."""
    engine: str = "podman"
    """Which one b2p's own image has (b2p/machine/engines.py); of a family's image nothing."""
    image_before: str = ""
    """Digest of the image before the last upgrade; empty: there was none, or it is back."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """Keys that a later b2p added within this schema; kept when this one writes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A machine that cannot be read, and why."""

    name: str
    error: B2PError


@dataclass(frozen=True, slots=True)
class Listing:
    """All machines of a user, sorted by name; broken ones hide none of the others."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all, broken ones included, in order."""
        whole = [record.name for record in self.records]
        return tuple(sorted([*whole, *(problem.name for problem in self.problems)]))


def read(path: Path) -> Record | None:
    """The record at `path`, or None where there is none.

    Raises StateError on one that is broken, of a newer schema, or in another machine's directory;
    the file is left as it is.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StateError(
            f"cannot read {str(path)!r}: {error.strerror or error}",
            "give yourself the right to read it",
        ) from error
    return decoded(content, path)


def write(path: Path, record: Record) -> None:
    """Put the record at `path` in one step; raises StateError and leaves the old one otherwise."""
    durable.write(path, encoded(record))


def listing(machines: Path) -> Listing:
    """Every machine below the directory `machines`; never fails, whatever lies there."""
    records: list[Record] = []
    problems: list[Problem] = []
    try:
        homes = sorted(home for home in machines.iterdir() if not home.name.startswith("."))
    except FileNotFoundError:
        return Listing(())
    except OSError as error:
        message = f"cannot list {str(machines)!r}: {error.strerror or error}"
        return Listing((), (Problem("*", StateError(message)),))
    for home in homes:
        try:
            records.append(_member(home))
        except B2PError as error:
            problems.append(Problem(home.name, error))
    return Listing(tuple(records), tuple(problems))


def encoded(record: Record) -> bytes:
    """The record as JSON, one key a line."""
    values = {key: getattr(record, key) for key in _FIELDS}
    return json.dumps({**record.others, "schema": SCHEMA, **values}, indent=2).encode() + b"\n"


def decoded(content: bytes, path: Path) -> Record:
    """The record in `content`; `path` is for the errors, and its directory must bear the name.

    Raises StateError.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _broken(path, f"it is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise _broken(path, "it holds no object")
    _check_schema(values, path)
    given = {key: values.pop(key) for key in _FIELDS if key in values}
    del values["schema"]
    if missing := _REQUIRED - given.keys():
        raise _broken(path, f"it lacks {', '.join(sorted(missing))}")
    if given.get("arch", "") not in ("", *ARCHITECTURES.values()):
        raise _broken(path, f"there is no architecture {given['arch']!r}")
    try:
        record = Record(**{key: _typed(key, value) for key, value in given.items()}, others=values)
        checked(record.name)
        engines.by_name(record.engine)
    except (TypeError, B2PError) as error:
        raise _broken(path, str(error)) from error
    if record.name != path.parent.name:
        raise _broken(path, f"it is that of machine {record.name!r}: its directory was renamed")
    return record


def _member(home: Path) -> Record:
    record = read(home / FILE)
    if record is None:
        raise StateError(
            f"{str(home)!r} has no {FILE}",
            f"run 'b2p rm {home.name}' if you do not know it",
        )
    return record


def _check_schema(values: Mapping[str, Any], path: Path) -> None:
    schema = values.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise _broken(path, f"its schema is {schema!r}")
    if schema > SCHEMA:
        writer = values.get("written_by") or "of a later version"
        raise StateError(
            f"machine {path.parent.name!r} was written by b2p {writer}, newer than this one"
            f" (schema {schema}, known up to {SCHEMA})",
            "run that b2p, or a later one",
        )


def _broken(path: Path, reason: str) -> StateError:
    return StateError(
        f"{str(path)!r} cannot be used: {reason}",
        "correct or restore that file; b2p leaves it and the machine's disk as they are",
    )


def _typed(key: str, value: object) -> Any:
    """The value itself, or a tuple of a list; raises TypeError when it is of the wrong type."""
    wanted = _FIELDS[key]
    if wanted is tuple and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool):
        if wanted is bool:
            return value
    elif isinstance(value, wanted) and not isinstance(value, tuple):
        if isinstance(value, int | float) and value < 0:
            raise TypeError(f"{key} is negative: {value!r}")
        return value
    raise TypeError(f"{key} is {value!r}")


_KINDS = {"str": str, "int": int, "float": float, "bool": bool, "tuple[str, ...]": tuple}
_FIELDS: dict[str, type] = {
    one.name: _KINDS[str(one.type)] for one in dataclasses.fields(Record) if one.name != "others"
}
_REQUIRED = {
    one.name
    for one in dataclasses.fields(Record)
    if one.default is one.default_factory is dataclasses.MISSING
}
