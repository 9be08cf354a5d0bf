"""What a person is told when b2p itself is at fault: one line, and where the rest was written."""

from __future__ import annotations

import logging
import platform
import shlex
import sys
import time
import traceback
from typing import TYPE_CHECKING

from b2p import __version__, terminal
from b2p.cli.session import Session

if TYPE_CHECKING:
    from pathlib import Path


def tell(error: BaseException, arguments: list[str]) -> None:
    """Say that b2p broke, and keep the traceback for whoever mends it."""
    text = account(error, arguments)
    try:
        kept = f"what happened is written in {keep(text, Session().layout.cache)}"
    except Exception:  # noqa: BLE001 - a full disk, no home: the first error is the one to tell
        kept = "run it again with --debug to see where"
    terminal.error(
        f"a mistake in b2p: {type(error).__name__}: {error}", f"please report it; {kept}"
    )
    if logging.getLogger("b2p").isEnabledFor(logging.DEBUG):
        terminal.say(text)


def account(error: BaseException, arguments: list[str]) -> str:
    """Version, computer, command and traceback."""
    lines = [
        f"b2p {__version__}, Python {platform.python_version()}, {platform.platform()}",
        shlex.join(["b2p", *arguments]),
        "".join(traceback.format_exception(error)),
    ]
    return "\n".join(lines)


def keep(text: str, cache: Path) -> Path:
    """The file that now holds the account."""
    directory = cache / "accidents"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / time.strftime("%Y-%m-%d-%H%M%S.txt")
    path.write_text(text, encoding=sys.getfilesystemencoding(), errors="replace")
    return path
