"""What a machine's console and its QEMU said, without what was meant for a terminal."""

from __future__ import annotations

import codecs
import os
import time
from typing import TYPE_CHECKING

from b2p.errors import StateError
from b2p.status import known

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from b2p.store.layout import Layout

PAUSE = 0.2
"""Seconds between two looks at a log that is followed."""


def read(layout: Layout, name: str, *, qemu: bool, follow: bool) -> Iterator[str]:
    """The lines of the log as blocks of text; with `follow` until somebody interrupts."""
    from b2p.plain import plain

    known(layout, name)
    files = layout.machine(name)
    path = files.qemu_log if qemu else files.console_log
    for block in blocks(path, follow=follow):
        if cleaned := plain(block):
            yield cleaned


def blocks(path: Path, *, follow: bool) -> Generator[str, None, None]:
    """The file in blocks that end where a line ends; one that is begun anew is read anew."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        opened = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"cannot read {str(path)!r}: {error.strerror}") from error
    pending = ""
    file: BinaryIO = opened
    try:
        while True:
            if part := file.read(1 << 20):
                whole, newline, pending = (pending + decoder.decode(part)).rpartition("\n")
                if newline:
                    yield whole
            elif not follow:
                break
            else:
                time.sleep(PAUSE)
                file = _begun_anew(path, file)
    finally:
        file.close()
    if pending:
        yield pending


def _begun_anew(path: Path, file: BinaryIO) -> BinaryIO:
    """The same file, or from its beginning the one that the machine's next start put there."""
    at, here = file.tell(), os.fstat(file.fileno())
    try:
        there = path.stat()
    except FileNotFoundError:
        return file
    if os.path.samestat(here, there):
        file.seek(at if there.st_size >= at else 0)
        return file
    file.close()
    return path.open("rb")
