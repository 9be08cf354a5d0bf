"""Every program that b2p starts, and every signal that it sends; only pipe.py starts one too.

A process is known by its pid and its start time, since a pid alone comes round again. On Linux the
start time is seconds after boot, as the kernel counts them: unlike the time of day it does not move
when the clock is set. Elsewhere it is psutil's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shlex
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p.errors import HostError
from b2p.host import lifetime, signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

logger = logging.getLogger(__name__)

DRIFT_SECONDS = 0.5
"""How far two readings of one start time may lie apart."""

WATCH_SECONDS = 0.1
"""How often a watched command is looked at; its end is noticed at once."""

LAST_LINES = 20
"""How many lines of a failed command's output an error carries."""

LAST_SECONDS = 5.0
"""What a command gets to end in good order."""

_removers: list[subprocess.Popen[bytes]] = []
"""Those of `remove_beside`; kept, since an object that goes before its process is a warning."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this process launched: only a parent is told how its child ended."""


class OverdueError(HostError):
    """A command did not end in its time, and was killed."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended: its status (negative: the signal) and all that it said."""

    status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class Started:
    """A running process, told from a later one of the same pid by its start time."""

    pid: int
    start_time: float


def run(
    command: Sequence[str],
    *,
    timeout: float | None,
    input: bytes | None = None,  # noqa: A002 - subprocess calls it so
    env: Mapping[str, str] | None = None,
    check: bool = True,
) -> Completed:
    """Run a command to its end; `env` is the whole environment where it is given.

    Raises HostError where it cannot be started or (with `check`) fails, OverdueError after
    `timeout` seconds (None: never), when it has been killed.
    """
    logger.debug("run: %s", shlex.join(command))
    stdin: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    try:
        with _no_core_dumps():
            ended = subprocess.run(
                command, timeout=timeout, env=env, check=False, capture_output=True, **stdin
            )
    except subprocess.TimeoutExpired as error:
        message = f"{Path(command[0]).name!r} did not end within {error.timeout:g} s"
        raise OverdueError(message, details=_tail(error.stderr or b"")) from error
    except OSError as error:
        raise _cannot_start(command, error) from error
    if check and ended.returncode:
        message = f"{Path(command[0]).name!r} failed {_told(ended.returncode)}"
        raise HostError(message, details=_tail(ended.stderr or ended.stdout))
    return Completed(ended.returncode, ended.stdout, ended.stderr)


def run_watched(
    command: Sequence[str], log: Path, watch: Callable[[], None], timeout: float
) -> int:
    """Run a command to its end, what it says going to `log`; its status.

    `watch` is called every tenth of a second; what it raises (or a Ctrl-C) ends the command.
    Raises HostError where it cannot be started, OverdueError after `timeout` seconds.
    """
    logger.debug("run, watched: %s", shlex.join(command))
    deadline = time.monotonic() + timeout
    with _log(log) as output, _no_core_dumps():
        child = _popen(command, output)
    try:
        with _pid_descriptor(child.pid) as descriptor:
            while child.poll() is None:
                watch()
                if time.monotonic() >= deadline:
                    message = f"{Path(command[0]).name!r} did not end within {timeout:g} s"
                    raise OverdueError(message, details=_tail(log.read_bytes()))
                if descriptor is None:
                    time.sleep(WATCH_SECONDS)
                else:
                    _await_readable(descriptor, WATCH_SECONDS)
    finally:
        child.kill()
        child.wait()
    return child.returncode


def launch(
    command: Sequence[str],
    *,
    log: Path,
    on_start: Callable[[Started], object] = lambda _: None,
    keep: Sequence[int] = (),
) -> Started:
    """Start a program that outlives us: own session, no terminal, no file of ours but `log`.

    The descriptors in `keep` are its own too.

    What it says is appended to `log` (mode 0600). It starts in "/" with umask 077. A Ctrl-C that
    falls into the start takes effect after it, and then nothing is left running; `on_start` is
    called before, so that whoever wants to end the program on a later Ctrl-C misses none.
    """
    logger.debug("launch: %s", shlex.join(command))
    with _log(log) as output, signals.held() as held:
        child = _popen(command, output, keep)
        _children[child.pid] = child
        # One whose first thread has ended already has begun, too.
        started = Started(child.pid, lifetime.start_time(child.pid, zombies=True) or 0.0)
        on_start(started)
        if held:
            child.kill()
            child.wait()
    return started


def remove_beside(path: Path) -> None:
    """Remove a large file without waiting: its blocks may take the kernel a second to free."""
    command = ["rm", "-f", "--", str(path)]
    logger.debug("beside: %s", shlex.join(command))
    try:
        _removers.append(_popen(command, subprocess.DEVNULL))
    except HostError:
        path.unlink(missing_ok=True)


def exit_status(pid: int) -> int | None:
    """How a process that we launched ended (negative: the signal); None while it runs.

    None too for a process that is not our child: nobody but its parent is told.
    """
    child = _children.get(pid)
    return child.poll() if child else None


def alive(pid: int, start_time: float) -> bool:
    """Whether that very process runs; a zombie does not, nor does a later one of the same pid."""
    found = lifetime.start_time(pid)
    return found is not None and abs(found - start_time) <= DRIFT_SECONDS


def await_exit(pid: int, start_time: float, *, timeout: float) -> bool:
    """Wait until that process is gone; False when `timeout` seconds were not enough."""
    deadline = time.monotonic() + timeout
    with _pid_descriptor(pid) as descriptor:
        if descriptor is not None:
            # Its first thread may be a zombie while others still hold the locks of its files: the
            # descriptor is readable when all have gone.
            found = lifetime.start_time(pid, zombies=True)
            is_it = found is not None and abs(found - start_time) <= DRIFT_SECONDS
            is_over = not is_it or _await_readable(descriptor, timeout)
            exit_status(pid)
            return is_over
        while alive(pid, start_time):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            exit_status(pid)
            time.sleep(min(left, 0.02))
    exit_status(pid)
    return True


def terminate(pid: int, start_time: float, *, force: bool) -> bool:
    """Ask that process to end (SIGTERM), or with `force` end it (SIGKILL).

    False, and no signal sent, where it has gone already, whoever has its pid now.
    """
    number = signal.SIGKILL if force else signal.SIGTERM
    # The descriptor is opened before the look at the start time: it stays with that process.
    with _pid_descriptor(pid) as descriptor:
        if not alive(pid, start_time):
            return False
        try:
            if descriptor is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        except PermissionError as error:
            hint = "run b2p as the user who started the machine"
            raise HostError(f"process {pid} belongs to another user", hint) from error
    return True


def hand_over(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, ends_with_us: bool = False
) -> int:
    """Give the terminal to a command until it ends; its status as a shell would tell it.

    Ctrl-C is the command's business meanwhile. One that `ends_with_us` is ended where we are, even
    (on Linux) by SIGKILL.
    """
    logger.debug("hand over: %s", shlex.join(command))
    with signals.held(signal.SIGINT, deliver=False):
        try:
            with subprocess.Popen(
                command,
                env=env,
                # One system call, of a library that is loaded before the fork.
                preexec_fn=signals.dying_with_parent() if ends_with_us else None,  # noqa: PLW1509
            ) as child:
                try:
                    status = child.wait()
                except BaseException:
                    if ends_with_us:
                        _end(child)
                    raise
        except OSError as error:
            raise _cannot_start(command, error) from error
    return 128 - status if status < 0 else status


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(LAST_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


def find_by_uuid(uuid: str) -> list[Started]:
    """The processes that have the option `-uuid UUID`: a QEMU whose files were deleted."""
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if ("-uuid", uuid) in pairwise(words):
            start_time = lifetime.start_time(process.pid)
            if start_time is not None:
                found.append(Started(process.pid, start_time))
    return found


def _popen(
    command: Sequence[str], output: int, keep: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, with no terminal and no file but `output` and `keep`."""
    # It starts in "/", so that it keeps no file system busy: resolve a relative path before.
    program = shutil.which(command[0])
    words = [os.path.abspath(program) if program else command[0], *command[1:]]  # noqa: PTH100
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
            umask=0o077,
            pass_fds=keep,
        )
    except OSError as error:
        raise _cannot_start(command, error) from error


@contextlib.contextmanager
def _pid_descriptor(pid: int) -> Iterator[int | None]:
    """A handle that keeps meaning this process when its pid is used again (Linux 5.3)."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _await_readable(descriptor: int, seconds: float) -> bool:
    # Not select(): it refuses descriptors above 1023.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


@contextlib.contextmanager
def _no_core_dumps() -> Iterator[None]:
    """A QEMU that aborts in a probe is an answer, not something to keep the memory of."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@contextlib.contextmanager
def _log(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        hint = "make room there, or see to its permissions"
        raise HostError(f"cannot write the log {str(path)!r}: {error.strerror}", hint) from error
    try:
        os.fchmod(descriptor, 0o600)
        yield descriptor
    finally:
        os.close(descriptor)


def _cannot_start(command: Sequence[str], error: OSError) -> HostError:
    return HostError(
        f"cannot start {command[0]!r}: {(error.strerror or str(error)).lower()}",
        "see that it is installed and that you may run it",
    )


def _told(status: int) -> str:
    if status >= 0:
        return f"with status {status}"
    with contextlib.suppress(ValueError):
        return f"by {signal.Signals(-status).name}"
    return f"by signal {-status}"


def _tail(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").splitlines()[-LAST_LINES:])
