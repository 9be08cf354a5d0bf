"""Why a port of this computer cannot be had, and who has it."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Literal

Reason = Literal["free", "taken", "forbidden"]
UNKNOWN = "a program of another user"


def reason(protocol: str, address: str, port: int) -> Reason:
    """Whether the port could be had just now, or why not."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as asker:
        if protocol == "tcp":
            # As QEMU does: what is left of connections that have ended is in nobody's way.
            asker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asker.bind((address, port))
            if protocol == "tcp":
                asker.listen()
        except OSError as error:
            return "forbidden" if error.errno in (errno.EACCES, errno.EPERM) else "taken"
    return "free"


def holder(protocol: str, port: int) -> str:
    """Who has the port, in a few words: nginx (pid 12), machine 'web', ..."""
    import psutil

    wanted = "LISTEN" if protocol == "tcp" else "NONE"
    with contextlib.suppress(psutil.Error, OSError):
        for one in psutil.net_connections(protocol):
            if one.status == wanted and one.laddr and one.laddr.port == port and one.pid:
                return _name(psutil.Process(one.pid))
    return UNKNOWN


def _name(process: object) -> str:
    import psutil

    assert isinstance(process, psutil.Process)  # noqa: S101 - for the types alone
    words = process.cmdline()
    if "-name" in words[:-1]:
        name = words[words.index("-name") + 1].partition(",")[0]
        if name.startswith("b2p-"):
            return f"machine {name.removeprefix('b2p-')!r} (pid {process.pid})"
    return f"{process.name()} (pid {process.pid})"
