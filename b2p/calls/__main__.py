"""python -m b2p.calls HOME RUN: one host call, from stdin to stdout, over after some seconds.

QEMU starts it for each connection of the guest to 10.0.2.100, under its own seccomp filter and
without a way to more rights. So it never starts a QEMU, and takes no lock.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from b2p.calls.answer import answered
from b2p.calls.request import LONGEST
from b2p.store.layout import MachineFiles

SECONDS = 8
"""Whatever the guest does, or leaves undone."""


def main() -> None:
    """Answer one call."""
    signal.alarm(SECONDS)
    home, run = map(Path, sys.argv[1:3])
    answer = answered(_line(), MachineFiles(home=home, run=run))
    os.write(1, json.dumps(answer).encode() + b"\n")


def _line() -> bytes:
    """The first line, or a beginning of it that is too long."""
    text = b""
    while b"\n" not in text and len(text) <= LONGEST:
        data = os.read(0, LONGEST)
        if not data:
            break
        text += data
    return text.partition(b"\n")[0] if b"\n" in text else text


if __name__ == "__main__":
    main()
