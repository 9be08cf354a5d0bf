"""A machine that seems to run: its record on the disk, its sockets answered by threads."""

from __future__ import annotations

import contextlib
import json
import os
import socketserver
import threading
from typing import TYPE_CHECKING, ClassVar

from b2p.host import lifetime
from b2p.store import places
from b2p.store.record import Record, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from b2p.store.layout import Layout

UUID = "11111111-2222-3333-4444-555555555555"


class Monitor(socketserver.StreamRequestHandler):
    """QEMU's side of QMP, as far as it is asked how it is."""

    answers: ClassVar[list[object]] = [
        {"QMP": {"version": {}, "capabilities": []}},
        {"return": {}},
        {"return": {"UUID": UUID}},
        {"return": {"status": "running", "running": True}},
    ]

    def handle(self) -> None:
        """All answers at once, in order."""
        for answer in self.answers:
            self.wfile.write(json.dumps(answer).encode() + b"\n")
        self.rfile.read(1)


class Engine(socketserver.StreamRequestHandler):
    """podman's side of /_ping."""

    def handle(self) -> None:
        """200 to whatever is asked."""
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")


@contextlib.contextmanager
def served(path: Path, handler: type[socketserver.BaseRequestHandler]) -> Iterator[None]:
    """The handler at a unix socket, until the block ends."""
    server = socketserver.ThreadingUnixStreamServer(str(path), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def own_start_time() -> float:
    """The start time of this very process, as a record holds it."""
    found = lifetime.start_time(os.getpid())
    assert found is not None
    return found


def stopped_machine(layout: Layout, name: str = "default", **others: object) -> Record:
    """Write the record of a machine that does not run."""
    places.prepare(layout)
    places.prepare_machine(layout.machine(name))
    values = {"name": name, "uuid": UUID, "image": "0123456789abcdef", "cpus": 2}
    values |= {"memory_mib": 2048, "disk_bytes": 100 << 30, "ssh_port": 2222, **others}
    record = Record(**values)  # type: ignore[arg-type]
    write(layout.machine(name).record, record)
    layout.machine(name).data_disk.touch()
    return record


@contextlib.contextmanager
def running_machine(layout: Layout, name: str = "default", **others: object) -> Iterator[Record]:
    """A machine that answers QMP and /_ping; its process is this one."""
    record = stopped_machine(layout, name, pid=os.getpid(), pid_start=own_start_time(), **others)
    files = layout.machine(name)
    with served(files.calls, Monitor), served(files.podman, Engine):
        yield record
