"""A machine begins from a golden state: QEMU is given the state's memory and devices."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from b2p import launch
from b2p.control import snapshot
from b2p.errors import HostError
from b2p.machine.argv import argv
from b2p.machine.model import MemoryFile
from b2p.machine.state import INCOMING
from b2p.sizes import MIB
from b2p.store import sparse, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.control.monitor import Monitor
    from b2p.golden import Golden
    from b2p.host.process import Started
    from b2p.store.states import State

STAGE = "beginning from a golden state"


@contextmanager
def begun(golden: Golden, state: State, undo: ExitStack) -> Iterator[tuple[Started, Monitor]]:
    """A QEMU that has the state, and stands still; the machine runs when the block ends."""
    files = golden.context.files
    states.mark_used(state)
    with ThreadPoolExecutor(1) as beside, ExitStack() as opened:
        source = _opened(state, opened)
        is_throwaway = golden.context.layout.is_throwaway
        if is_throwaway:
            # Its memory is the state's until it is written to: many take little more than one.
            keep, memory, filled = source, MemoryFile(path=_own(source), shared=False), None
        else:
            # A copy: what the guest gives back can only be given back to the host so.
            keep = sparse.in_memory(golden.record.memory_mib * MIB)
            opened.callback(os.close, keep)
            memory = MemoryFile(path=_own(keep), shared=True)
            filled = beside.submit(sparse.fill, keep, source)
        machine = replace(golden.machine, memory_file=memory)
        command = (*golden.qemu.command, *argv(machine), *INCOMING)
        started = launch.start(command, files, undo, keep=[keep])
        with suppress(OSError), files.console_log.open("ab") as log:
            # How the machine booted, when it was nobody's yet.
            log.write(state.files.console.read_bytes())
        with launch.deaths_told(files, started, STAGE), launch.connected(files, started) as monitor:
            if filled:
                filled.result()
            snapshot.load_devices(monitor, state.files.devices)
            yield started, monitor
            snapshot.go_on(monitor)


def prepare_disk(golden: Golden, state: State) -> None:
    """A fresh state's disk, copied; a bare one goes with any disk."""
    if state.kind != "fresh":
        return
    files = golden.context.files
    try:
        files.data_disk_aside.unlink(missing_ok=True)
        # A b2p that is killed here leaves no half disk, which would look like one that holds data.
        sparse.copy(state.files.disk, files.data_disk_aside)
        files.data_disk_aside.replace(files.data_disk)
    except OSError as error:
        raise HostError(f"its disk cannot be copied: {error.strerror}") from error


def _opened(state: State, stack: ExitStack) -> int:
    """The state's memory, open: it stays whoever removes the state."""
    try:
        descriptor = os.open(state.files.memory, os.O_RDONLY)
    except OSError as error:
        raise HostError(f"the golden state cannot be read: {error.strerror}") from error
    stack.callback(os.close, descriptor)
    return descriptor


def _own(descriptor: int) -> str:
    """How QEMU, which has that descriptor too, calls the file."""
    return f"/proc/self/fd/{descriptor}"
