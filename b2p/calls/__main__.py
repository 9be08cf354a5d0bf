"""python -m b2p.calls HOME RUN: one host call, from stdin to stdout, over after some seconds.

QEMU starts it for each connection of the guest to 10.0.2.100, under its own seccomp filter and
without a way to more rights. So it never starts a QEMU, and takes no lock: a machine that may sleep
is suspended by a process that it leaves behind.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys

SECONDS = 8
"""Whatever the guest does, or leaves undone."""
MOST = 8
"""Calls of one machine at once: QEMU would start as many as a hostile guest likes."""


def main() -> None:
    """Answer one call."""
    signal.alarm(SECONDS)
    # What costs memory and time is imported by those alone that may go on.
    if not _has_place(sys.argv[2]):
        os.write(1, b'{"ok": false, "error": "too many calls at once", "again": true}\n')
        return
    import json
    from pathlib import Path

    from b2p.calls.answer import SLEEP, answered
    from b2p.calls.request import LONGEST
    from b2p.store.layout import MachineFiles

    home, run = map(Path, sys.argv[1:3])
    files = MachineFiles(home=home, run=run)
    answer = answered(_line(LONGEST), files)
    os.write(1, json.dumps(answer).encode() + b"\n")
    if answer.get(SLEEP):
        from b2p import sleep

        if sleep.is_left_behind():
            sleep.fall_asleep(files)


def _has_place(run: str) -> bool:
    """Take one of the places, until this process ends: a lock on one byte of the script's file."""
    descriptor = os.open(os.path.join(run, "call"), os.O_RDWR)  # noqa: PTH118 - before pathlib
    for place in range(MOST):
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            continue
        return True
    return False


def _line(longest: int) -> bytes:
    """The first line, or a beginning of it that is too long."""
    text = b""
    while b"\n" not in text and len(text) <= longest:
        data = os.read(0, longest)
        if not data:
            break
        text += data
    return text.partition(b"\n")[0] if b"\n" in text else text


if __name__ == "__main__":
    main()
