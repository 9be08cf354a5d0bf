"""The door: runs one verb, says what failed in one line, and picks the exit status."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from b2p.cli.session import called_as
from b2p.cli.verbs import b2p
from b2p.errors import B2PError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

FAILED = 125
INTERRUPTED = 130
CLOSED_PIPE = 141


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its status."""
    arguments = list(sys.argv[1:] if words is None else words)
    catch_signals()
    status = run(arguments)
    leave(status)


def run(arguments: list[str]) -> int:
    """The exit status of that command line; every failure is told here."""
    try:
        status = dispatch(arguments)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - nobody must meet a traceback
        return told(error, arguments)
    return status if isinstance(status, int) else 0


def told(error: BaseException, arguments: list[str]) -> int:
    """Say what went wrong; the exit status for it."""
    from b2p import terminal

    match error:
        case click.exceptions.Exit():
            status = error.exit_code
        case B2PError():
            terminal.error(error.message, error.hint, error.details)
            status = error.exit_status
        case click.ClickException():
            terminal.error(lowered(error.format_message()), usage_hint(error))
            status = error.exit_code
        case KeyboardInterrupt() | click.Abort():
            terminal.error("interrupted; nothing left behind")
            status = INTERRUPTED
        case BrokenPipeError():
            status = CLOSED_PIPE
        case _:
            from b2p.cli import accident

            accident.tell(error, arguments)
            status = FAILED
    return status


def dispatch(arguments: list[str]) -> object:
    """What the verb returned. Not by click's own main, which prints and ends on its own account."""
    if "_B2P_COMPLETE" in os.environ:
        b2p.main(prog_name="b2p")
    with b2p.make_context(called_as(), arguments) as context:
        return b2p.invoke(context)


def lowered(message: str) -> str:
    """Click's sentence as one of ours: no capital, no full stop."""
    return message[:1].lower() + message[1:].rstrip(".")


def usage_hint(error: click.ClickException) -> str:
    """What to read when the words were wrong."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else called_as()
    return f"see {path} --help"


def catch_signals() -> None:
    """Be ended as by Ctrl-C when the terminal closes or somebody says kill, so all is undone."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def leave(status: int) -> NoReturn:
    """End with that status; what stdout still holds for a reader who has gone is dropped."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = CLOSED_PIPE
    raise SystemExit(status)
