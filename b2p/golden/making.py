"""A golden state is made: a machine of nobody's is booted, brought to rest, saved and ended."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from b2p import launch
from b2p.control import snapshot
from b2p.control.console import ConsoleWatch
from b2p.control.guest import GuestPort
from b2p.errors import GuestError
from b2p.golden import neutral
from b2p.host import process
from b2p.machine import ports
from b2p.machine.argv import argv
from b2p.machine.model import MemoryFile, UnixForward
from b2p.ready import Waiting
from b2p.remove import erase
from b2p.sizes import MIB
from b2p.store import lock, places, sparse, states
from b2p.store import record as records
from b2p.ways.own import places as own_places

if TYPE_CHECKING:
    from b2p.golden import Golden
    from b2p.host.process import Started
    from b2p.machine.model import Machine
    from b2p.report import Task
    from b2p.store.layout import MachineFiles
    from b2p.store.states import State

FREEZE_SECONDS = 30.0
END_SECONDS = 10.0
STAGE = "making a golden state"
QUESTIONS = ("/v5.0.0/libpod/info", "/containers/json", "/images/json", "/networks")
"""What clients ask first; whoever begins from the state is answered out of memory."""


def make(golden: Golden) -> State:
    """Boot, save, and keep it as a state; raises B2PError or OSError, and leaves nothing then."""
    context = golden.context
    layout = context.layout.throwaway()
    files = layout.machine(f"golden-{os.getpid()}")
    places.prepare(layout)
    with lock.hold(files.lock, command="b2p up") as held, ExitStack() as undo:
        undo.callback(held.discard)
        undo.callback(erase, files)
        places.prepare_machine(files)
        machine = _machine(golden, files)
        command = (*golden.qemu.command, *argv(machine))
        # Whoever sweeps up after a b2p that was killed finds the QEMU by it.
        record = replace(golden.record, name=machine.name, uuid=machine.uuid, pid=0, extra=())
        records.write(files.record, record)
        launch.prepare_disk(files, golden.record.disk_bytes, is_new=True)
        sparse.blank(files.memory, golden.record.memory_mib * MIB)
        what = f"starting machine {golden.record.name!r}"
        with context.report.task(f"{what}, kept for the next ones") as task:
            _saved(golden, files, launch.start(command, files, undo), task)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return states.publish(layout.states, files, golden.kind, golden.fields, now=now)


def _machine(golden: Golden, files: MachineFiles) -> Machine:
    """The same in all that a state depends on, with files and sockets of its own."""
    there = own_places(files)
    blank = neutral(golden.machine, name=files.home.name, uuid=str(uuid.uuid4()))
    return replace(
        blank,
        disks=tuple(
            disk if disk.read_only else replace(disk, path=there.data_disk) for disk in blank.disks
        ),
        unix_forwards=(UnixForward(path=there.podman, guest_port=ports.PODMAN),),
        sockets=there.sockets,
        console_log=there.console_log,
        call_script=there.call_script if golden.machine.call_script else "",
        # It has nothing of the user's to show.
        shares=tuple(replace(share, path=there.nothing, read_only=True) for share in blank.shares),
        memory_file=MemoryFile(path=str(files.memory), shared=True),
        ends_with_parent=golden.qemu.exit_with_parent,
    )


def _saved(golden: Golden, files: MachineFiles, started: Started, task: Task) -> None:
    """From power-on to saved; QEMU has ended then."""
    with launch.deaths_told(files, started, STAGE), launch.connected(files, started) as monitor:
        with ConsoleWatch(files.console, on_stage=task.say) as watch:
            timeout = golden.context.settings.timeout
            waiting = Waiting(files, started, watch=watch, task=task, timeout=timeout)
            if golden.kind == "fresh":
                waiting.until_ready(_nobody, warn=golden.context.report.warn)
                _come_to_rest(files)
            else:
                waiting.until_warm()
        task.say("saving it")
        snapshot.save_devices(monitor, files.devices)
        monitor.quit()
    if not process.await_exit(started.pid, started.start_time, timeout=END_SECONDS):
        raise GuestError(STAGE, "QEMU does not end")


def _nobody() -> dict[str, Any]:
    """Who the machine is until it is somebody's: its memory is going to be others' too."""
    return {"name": "b2p", "time": time.time(), "throwaway": True}


def _come_to_rest(files: MachineFiles) -> None:
    """The engine has answered what is asked first; the disk holds all that was written."""
    from b2p.client import api

    for question in QUESTIONS:
        api.ask(files.podman, question)
    with GuestPort(files.control) as port:
        port.ask("freeze", timeout=FREEZE_SECONDS)
