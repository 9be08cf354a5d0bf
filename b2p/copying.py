"""The story of `b2p cp`: a file or a tree between here and a machine, as a stream by ssh."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from b2p import inside, names, status, trees
from b2p.client import ssh
from b2p.errors import GuestError, HostError, UsageError
from b2p.host import pipe
from b2p.plain import line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from b2p.report import Report, Task
    from b2p.store.layout import Layout

CHUNK = 1 << 18
LONGEST_HEADER = 200
STAGE = "cp"

PUT = """
to=$1
if [ -d "$to" ]; then [ -z "$2" ] || to=${to%/}/$2
else case $to in */) echo "there is no directory $to" >&2; exit 1 ;; esac; fi
if [ "$3" = tree ]; then
  if [ -e "$to" ] && [ ! -d "$to" ]; then echo "$to is not a directory" >&2; exit 1; fi
  mkdir -p -- "$to" && cd -- "$to" && exec tar -xpof -
fi
if [ -d "$to" ]; then echo "$to is a directory" >&2; exit 1; fi
cat >"$to" && chmod "$4" "$to" && { [ -z "$5" ] || touch -d "@$5" "$to"; }
"""
"""For the guest's sh: where to, the name there, tree or file, mode, time. Then comes the data."""

GET = """
if [ -d "$1" ]; then echo tree; cd -- "$1" && exec tar -cf - .
elif [ -f "$1" ]; then stat -L -c "file %s %a %Y" -- "$1" && exec cat -- "$1"
elif [ -e "$1" ]; then echo "$1 is neither a file nor a directory" >&2; exit 1
else echo "there is no $1" >&2; exit 1; fi
"""
"""For the guest's sh: from where. It says what it is in one line, and gives the data."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path, here or in a machine."""

    path: str
    machine: str = ""
    """Empty: on this computer."""

    @property
    def is_stream(self) -> bool:
        """Whether it is our own input or output."""
        return self.path == "-" and not self.machine


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""


class Writable(Protocol):
    """Where bytes go to."""

    def write(self, data: bytes, /) -> int:
        """All of them."""


def place(word: str, default: str) -> Place:
    """What somebody typed: MACHINE:PATH, :PATH in the machine `default`, or a path here."""
    head, colon, rest = word.partition(":")
    if not colon or "/" in head:
        return Place(word)
    inside_home = rest.removeprefix("~/") if rest != "~" else "."
    return Place(inside_home or ".", names.checked(head or default))


def copy(source: Place, goal: Place, layout: Layout, report: Report, *, root: bool) -> None:
    """Copy; raises UsageError, HostError or GuestError. Modes, times and links stay as they are."""
    if bool(source.machine) == bool(goal.machine):
        raise UsageError(
            "one of the two must be in a machine, the other one here",
            "write MACHINE:PATH for it, or :PATH for the default machine",
        )
    name = source.machine or goal.machine
    user = "root" if root else inside.user_of(status.running(layout, name).record)
    target = inside.target(layout, name, user)
    what = f"copying {source.path!r} {'from' if source.machine else 'to'} machine {name!r}"
    if source.machine:
        with _Guest(target, GET, [source.path]) as guest:
            _get(guest, source, goal, report, what)
    else:
        _put(target, source, goal, report, what)


class _Guest:
    """A script that runs in the machine; what it complains of is told as an error."""

    def __init__(self, target: ssh.Target, script: str, words: list[str]) -> None:
        # What it says of its own accord must not need the person's language.
        line = f"LC_ALL=C exec {shlex.join(['sh', '-c', script, 'sh', *words])}"
        self._command = ssh.argv(target, line, terminal=False, program=ssh.tool("ssh"))
        self._name = target.name
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._said = self._stack.enter_context(tempfile.TemporaryFile())
        self._child = self._stack.enter_context(pipe.piped(self._command, self._said))
        assert self._child.stdin  # noqa: S101 - pipes both
        assert self._child.stdout  # noqa: S101
        self.input, self.output = self._child.stdin, self._child.stdout
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def ended(self) -> None:
        """Wait for its end; raises GuestError where it did not go well."""
        with contextlib.suppress(BrokenPipeError):
            self.input.close()
        if self._child.wait():
            raise self.failure()

    def failure(self) -> GuestError:
        """What it complained of."""
        self._child.wait()
        self._said.seek(0)
        lines = plain(self._said.read(1 << 16)).strip().splitlines() or ["it broke off"]
        return GuestError(
            STAGE,
            f"machine {self._name!r}: {lines[-1].removeprefix('sh: ')}",
            "look there with 'b2p ssh'; what belongs to root needs --root",
            details="\n".join(lines[:-1]),
        )


def _put(target: ssh.Target, source: Place, goal: Place, report: Report, what: str) -> None:
    if source.is_stream:
        name, kind, mode, when = "", "file", "644", ""
    else:
        path = Path(source.path)
        found = _stat(path)
        name = path.resolve().name
        kind = "tree" if path.is_dir() else "file"
        mode, when = f"{found.st_mode & 0o777:o}", str(int(found.st_mtime))
    words = [goal.path, name, kind, mode, when]
    with _Guest(target, PUT, words) as guest, report.task(what, "bytes") as task:
        try:
            if source.is_stream:
                _pump(sys.stdin.buffer, guest.input, task)
            elif kind == "tree":
                trees.pack(Path(source.path), _Counted(guest.input, task), task, report.warn)
            else:
                task.expect(found.st_size)
                with Path(source.path).open("rb") as file:
                    _pump(file, guest.input, task)
            guest.input.flush()
        except BrokenPipeError as error:
            raise guest.failure() from error
        guest.ended()


def _get(guest: _Guest, source: Place, goal: Place, report: Report, what: str) -> None:
    header = guest.output.readline(LONGEST_HEADER)
    if not header:
        raise guest.failure()
    if header.split() == [b"tree"]:
        _get_tree(guest, source, goal, report, what)
        return
    size, mode, when = announced(header)
    if goal.is_stream:
        _pump(guest.output, sys.stdout.buffer, None)
        sys.stdout.buffer.flush()
        guest.ended()
        return
    to = _goal(source, goal)
    if to.is_dir():
        raise UsageError(f"{str(to)!r} is a directory", "name a file, or another directory")
    with report.task(what, "bytes") as task, _new_file(to) as file:
        task.expect(size)
        _pump(guest.output, file, task)
        guest.ended()
        os.fchmod(file.fileno(), mode & 0o777)
        file.flush()
        os.utime(file.fileno(), (when, when))


def announced(header: bytes) -> tuple[int, int, int]:
    """Size, mode and time of the file that a machine says it will give; raises GuestError."""
    match = re.fullmatch(rb"file (\d{1,18}) ([0-7]{1,5}) (\d{1,12})\s*", header)
    if match is None:
        raise GuestError(STAGE, f"the machine announced {line(header)!r}, no file", "try again")
    return int(match[1]), int(match[2], 8), int(match[3])


def _get_tree(guest: _Guest, source: Place, goal: Place, report: Report, what: str) -> None:
    if goal.is_stream:
        raise UsageError(
            f"{source.path!r} is a directory",
            f"pack it there: b2p ssh {source.machine} -- tar -c {source.path}",
        )
    to = _goal(source, goal)
    with report.task(what, "bytes") as task:
        trees.unpack(_Counted(guest.output, task), to, report.warn)
        guest.ended()


def _goal(source: Place, goal: Place) -> Path:
    """Where on this computer a copy is to lie, as cp has it."""
    to = Path(goal.path)
    if to.is_dir():
        name = posixpath.basename(posixpath.normpath(source.path))
        return to if name in ("", ".", "..") else to / name
    if goal.path.endswith("/") or not to.parent.is_dir():
        missing = to if goal.path.endswith("/") else to.parent
        raise UsageError(f"there is no directory {str(missing)!r}", "make it first")
    return to


def _stat(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise UsageError(f"there is no {str(path)!r} here", "see 'ls'") from None
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror}", "see to it") from None
    if not (path.is_dir() or path.is_file()):
        raise UsageError(
            f"{str(path)!r} is neither a file nor a directory", "name one, or - for what comes in"
        )
    if not os.access(path, os.R_OK):
        raise UsageError(f"{str(path)!r} cannot be read", "give yourself the right to")
    return found


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there when all of it is there."""
    path = Path(os.path.realpath(path))
    try:
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise HostError(
            f"cannot write to {str(path.parent)!r}: {error.strerror}", "give yourself the right to"
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _pump(source: Readable, goal: Writable, task: Task | None) -> None:
    while data := source.read(CHUNK):
        goal.write(data)
        if task:
            task.advance(len(data))


class _Counted:
    """A stream whose bytes are counted."""

    def __init__(self, stream: IO[bytes], task: Task) -> None:
        self._stream, self._task = stream, task

    def read(self, size: int) -> bytes:
        """As the stream does."""
        return self._told(self._stream.read(size))

    def write(self, data: bytes) -> int:
        """As the stream does."""
        self._stream.write(self._told(data))
        return len(data)

    def _told(self, data: bytes) -> bytes:
        self._task.advance(len(data))
        return data
