"""The stories of `b2p export` and `import`: a stopped machine as one file, for another computer."""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p import __version__, launch, names, status
from b2p.clone import check_plain
from b2p.down import hold
from b2p.errors import HostError, StateError, TamperedError, UsageError
from b2p.formats import parcel
from b2p.host import computer
from b2p.machine import forwards
from b2p.partfile import explained
from b2p.remove import erase
from b2p.store import places, sparse
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from b2p.report import Report, Task
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

SCHEMA = 1
LEVEL = 3
"""zstd's own: faster than most disks."""
KEPT = (
    *("arch", "image", "engine", "cpus", "memory_mib", "disk_bytes"),
    *("ports", "first_ready", "provisioned"),
)
"""What of a record is the machine's own. What it may do on a computer is that computer's to say:
mounts, whether it may call the host, whether ports are open to the network."""
MOST_BYTES = 16 << 40
_DIGEST = re.compile(r"[0-9a-f]{64}")


def export(name: str, target: Path, layout: Layout, report: Report, *, keys: bool) -> int:
    """Write the machine to a new file; how many bytes that took.

    Raises UsageError where it runs, is suspended, or where there is such a file.
    """
    status.known(layout, name)
    if target.exists():
        raise UsageError(f"there is {str(target)!r} already", "name another file, or remove it")
    places.prepare(layout)
    with hold(layout.machine(name), report, "b2p export"):
        record = _source(name, layout)
        files = layout.machine(name)
        aside = target.with_name(f".{target.name}.part")
        try:
            with explained(target), report.task(f"exporting machine {name!r}", "bytes") as task:
                task.expect(status.used_bytes(files.data_disk))
                _write(aside, header(record, files, keys=keys), files.data_disk, task)
                aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    return target.stat().st_size


def header(record: Record, files: MachineFiles, *, keys: bool) -> dict[str, Any]:
    """What stands at its beginning: the settings, and the ssh host key where that was asked for."""
    settings = {key: getattr(record, key) for key in KEPT}
    # An older record leaves it out; on another computer that would mean another one.
    settings["arch"] = record.arch or computer.arch()
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "written_by": __version__,
        "name": record.name,
        "machine": settings,
    }
    if keys:
        found["host_key"] = files.host_key.read_text()
        found["host_key_public"] = files.host_key.with_suffix(".pub").read_text()
    return found


def _source(name: str, layout: Layout) -> Record:
    record = status.known(layout, name)
    (found,) = status.of_records([record], layout)
    if found.state == "broken":
        status.must_run(found)
    if found.state != "stopped":
        way = "b2p up, then b2p down" if found.state == "suspended" else "b2p down"
        raise UsageError(f"machine {name!r} is {found.state}", f"stop it first: {way} {name}")
    check_plain(record, layout)
    if not found.files.data_disk.exists():
        raise UsageError(f"machine {name!r} has no disk yet", f"start it: b2p up {name}")
    return record


def _write(target: Path, head: dict[str, Any], disk: Path, task: Task) -> None:
    import zstandard

    # Nobody else's business: a machine's disk holds whatever was put there.
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out, disk.open("rb") as source:
        packer = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        with packer.stream_writer(out, closefd=False) as packed:
            for part in parcel.written(head, _pieces(source, task)):
                packed.write(part)
        out.flush()
        os.fsync(out.fileno())


def _pieces(disk: BinaryIO, task: Task) -> Iterator[tuple[int, bytes]]:
    for begin, end in sparse.pieces(disk.fileno()):
        for offset in range(begin, end, parcel.LONGEST_PIECE):
            data = os.pread(disk.fileno(), min(parcel.LONGEST_PIECE, end - offset), offset)
            task.advance(len(data))
            if data.strip(b"\0"):
                yield offset, data


def take_in(source: Path, name: str, layout: Layout, report: Report) -> Record:
    """Make a machine of an exported one, called `name` or as it was; raises TamperedError.

    What the file says is proven before there is a machine.
    """
    import zstandard

    try:
        file = source.open("rb")
    except OSError as error:
        raise UsageError(f"{str(source)!r} cannot be read: {error.strerror}", "see to it") from None
    with file:
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file)
        reader = parcel.Reader(_Unpacked(stream, source.name), where=source.name)
        found = reader.header()
        name = names.checked(name or str(found.get("name", "")))
        record = _record(found, name, source.name)
        places.prepare(layout)
        with ExitStack() as stack:
            held = stack.enter_context(hold(layout.machine(name), report, "b2p import"))
            try:
                with report.task(f"importing machine {name!r}", "bytes") as task:
                    _made(reader, found, record, layout, task)
            except BaseException:
                if not layout.machine(name).home.exists():
                    held.discard()
                raise
    report.note(
        f"machine {name!r} is there; start it with 'b2p up {name}' (--mount ~ mounts your home)"
    )
    return record


class _Unpacked:
    """Unpacks, with an error of ours for what is no zstd."""

    def __init__(self, stream: Any, where: str) -> None:
        self._stream = stream
        self._where = where

    def read(self, size: int) -> bytes:
        import zstandard

        try:
            data: bytes = self._stream.read(size)
        except zstandard.ZstdError as error:
            raise TamperedError(
                f"{self._where!r} cannot be unpacked: {error}", "make it anew, or copy it again"
            ) from error
        return data


def _record(found: dict[str, Any], name: str, where: str) -> Record:
    """The machine that the header tells of, with what only this computer can say left out."""
    if found.get("schema") != SCHEMA:
        raise StateError(
            f"{where!r} was written by another b2p ({found.get('written_by')})", "use that one"
        )
    machine = found.get("machine")
    values = machine if isinstance(machine, dict) else {}
    new = {key: values[key] for key in KEPT if key in values}
    new |= {"name": name, "uuid": str(uuid.uuid4()), "schema": records.SCHEMA}
    new |= {"created": datetime.now(UTC).isoformat(timespec="seconds"), "written_by": __version__}
    try:
        record = records.decoded(json.dumps(new).encode(), Path("/", name, records.FILE))
    except StateError as error:
        raise TamperedError(
            f"{where!r} tells of no machine: {error.message.partition(': ')[2]}",
            "make it anew, or copy it again",
        ) from error
    possible = 0 < record.disk_bytes <= MOST_BYTES and record.memory_mib > 0 and record.cpus > 0
    if not possible or not _DIGEST.fullmatch(record.image):
        raise TamperedError(f"{where!r} tells of no machine that could be", "make it anew")
    # Ports are opened on this computer's loopback alone, whatever was elsewhere.
    rules = [rule for rule in forwards.stored(record.ports) if rule.address == forwards.LOOPBACK]
    return replace(record, ports=tuple(map(str, rules)))


def _made(
    reader: parcel.Reader, found: dict[str, Any], record: Record, layout: Layout, task: Task
) -> None:
    files = layout.machine(record.name)
    if files.home.exists():
        raise UsageError(
            f"there is a machine {record.name!r} already",
            f"name another: b2p import FILE NAME; or remove that one: b2p rm {record.name}",
        )
    with ExitStack() as undo:
        undo.callback(erase, files)
        places.prepare_machine(files)
        _keys(found, files)
        launch.prepare_keys(layout, files)
        try:
            sparse.blank(files.data_disk, record.disk_bytes)
            with files.data_disk.open("r+b") as disk:
                for offset, data in reader.pieces(record.disk_bytes):
                    os.pwrite(disk.fileno(), data, offset)
                    task.advance(len(data))
                os.fsync(disk.fileno())
        except OSError as error:
            raise HostError(
                f"the disk {str(files.data_disk)!r} cannot be made: {error.strerror}",
                "make room there, and import it again",
            ) from error
        # Last: without it there is no machine, whatever lies there.
        records.write(files.record, record)
        undo.pop_all()


def _keys(found: dict[str, Any], files: MachineFiles) -> None:
    private, public = found.get("host_key"), found.get("host_key_public")
    if isinstance(private, str) and isinstance(public, str):
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(files.host_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(descriptor, private.encode())
            os.close(descriptor)
            files.host_key.with_suffix(".pub").write_text(public)
