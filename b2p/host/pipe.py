"""A program that we talk with, byte by byte, while it runs."""

from __future__ import annotations

import contextlib
import logging
import shlex
import subprocess
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def piped(command: Sequence[str], stderr: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose input and output are ours; it is killed where it outlives the block."""
    logger.debug("pipe: %s", shlex.join(command))
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr)
    # Closing its input may find out that it ended before it had read all.
    with contextlib.suppress(BrokenPipeError), child:
        try:
            yield child
        finally:
            child.kill()
