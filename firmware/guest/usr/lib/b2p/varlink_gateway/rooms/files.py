"""Files in and out of the spool, over an upgraded connection."""

from __future__ import annotations

import os

from ..call import Upgrade
from ..errors import error_occurred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..call import Call
    from ..wire import Connection


def send_file(call: Call) -> Upgrade:
    """The caller sends so many bytes; the file's path and a colon say that all are on the disk."""
    length = call["length"]
    if length < 0:
        raise error_occurred(f"{length} is no length of a file")
    draft = call.spool.draft()
    try:
        draft.reserve(length)
    except OSError as error:
        draft.drop()
        raise error_occurred(
            f"no room for {length} bytes on the machine's disk: {error.strerror}"
        ) from error

    def talk(connection: Connection) -> None:
        with draft:
            _take(connection, draft.file, length)
        connection.write(draft.path.encode() + b":")

    return Upgrade({"file_handle": draft.path}, talk, draft.drop)


def _take(connection: Connection, file: BinaryIO, length: int) -> None:
    while length and (data := connection.read(length)):
        file.write(data)
        length -= len(data)
    if length:
        raise EOFError(f"the caller left {length} bytes early")


def receive_file(call: Call) -> Upgrade:
    """The caller gets the file's length, then its bytes."""
    file = call.spool.open(call["path"])
    length = os.fstat(file.fileno()).st_size

    def talk(connection: Connection) -> None:
        with file:
            connection.send_file(file, length)
        if call["delete"]:
            call.spool.remove(call["path"])

    return Upgrade({"len": length}, talk, file.close)
