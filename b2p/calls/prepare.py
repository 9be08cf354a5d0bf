"""What a start leaves for host calls: the script that QEMU starts, and the token to be shown."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from b2p.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.store.layout import MachineFiles

TOKEN_BYTES = 32


def prepare(files: MachineFiles) -> None:
    """Write both anew: for this b2p, wherever it lies by now, and for no guest of before."""
    words = [sys.executable, "-I"]
    if sys.pycache_prefix:
        words += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    words += ["-m", "b2p.calls", str(files.home), str(files.run)]
    # QEMU's stderr would be the guest's to read.
    log = shlex.quote(str(files.qemu_log))
    _write(files.call_script, f"#!/bin/sh\n# A host call.\nexec {shlex.join(words)} 2>>{log}\n")
    _write(files.token, os.urandom(TOKEN_BYTES).hex())


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise HostError(
            f"{str(path)!r} cannot be made: {error.strerror}", "make room there"
        ) from error
