"""Files in and out of the spool, over an upgraded connection."""

from __future__ import annotations

import os

from ..call import Upgrade
from ..errors import error_occurred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..call import Call
    from ..wire import Connection


def send_file(call: Call) -> Upgrade:
    """The caller sends so many bytes; the file's path and a colon say that all are on the disk."""
    length = call["length"]
    if length < 0:
        raise error_occurred(f"{length} is no length of a file")
    _refuse_overfull(call.spool.directory, length)
    path = call.spool.new()

    def talk(connection: Connection) -> None:
        try:
            _take(connection, path, length)
        except BaseException:
            os.unlink(path)
            raise
        connection.write(path.encode() + b":")

    return Upgrade({"file_handle": path}, talk)


def _refuse_overfull(directory: str, length: int) -> None:
    """Better now than after the last byte that fits."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    space = os.statvfs(directory)
    if length > space.f_bavail * space.f_frsize:
        raise error_occurred(f"no room for {length} bytes on the machine's disk")


def _take(connection: Connection, path: str, length: int) -> None:
    """Writes what comes; a caller that leaves early, or a full disk, leaves no file behind."""
    with open(path, "wb") as file:
        while length and (data := connection.read(length)):
            file.write(data)
            length -= len(data)
    if length:
        raise EOFError(f"the caller left {length} bytes early")


def receive_file(call: Call) -> Upgrade:
    """The caller gets the file's length, then its bytes."""
    path = call.spool.existing(call["path"])
    delete = call["delete"]

    def talk(connection: Connection) -> None:
        connection.send_file(path)
        if delete:
            os.unlink(path)

    return Upgrade({"len": os.path.getsize(path)}, talk)
