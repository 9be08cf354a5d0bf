"""A person at a computer: a home of their own, `scripts/b2p`, and eyes for what is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator, Mapping, Sequence

TREE = Path(__file__).parents[2]
B2P = TREE / "scripts/b2p"
PATIENCE = 600.0
"""Seconds after which something will never come; nothing here measures speed."""


def cache_home() -> Path:
    """The user's own cache: what was fetched and built once serves every run."""
    given = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else Path.home() / ".cache"


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Person:
    """Runs b2p with `home` as the home directory."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the caller's wishes; the shared cache."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("B2P_", "XDG_", "DOCKER_", "CONTAINER_", "PYTHON"))
            or key in {"B2P_MIRROR", "B2P_PYTHON"}
        }
        mine = {"HOME": str(self.home), "XDG_CACHE_HOME": str(cache_home()), "SHELL": "/bin/bash"}
        return {**kept, **mine, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TERM": "dumb"}

    def b2p(
        self,
        *words: str,
        status: int | None = 0,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Said:
        """Run a verb to its end, which must have that status (None: any)."""
        ended = subprocess.run(
            [str(B2P), *words],
            input=stdin,
            capture_output=True,
            text=True,
            env={**self.environment, "PWD": str(cwd or self.home), **(environment or {})},
            cwd=cwd or self.home,
            timeout=PATIENCE,
        )
        said = Said(ended.returncode, ended.stdout, ended.stderr)
        assert status is None or said.status == status, said
        assert "Traceback" not in said.err, said
        return said

    def begin(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start a verb and do not wait; what it says is read by communicate()."""
        return subprocess.Popen(
            [str(B2P), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **variables},
            cwd=self.home,
        )

    def facts(self, name: str = "default") -> dict[str, Any]:
        """What `b2p inspect` tells."""
        found: dict[str, Any] = json.loads(self.b2p("inspect", name).out)
        return found

    def state(self, name: str = "default") -> str:
        """running, stopped or broken."""
        return str(json.loads(self.b2p("status", name, "--json").out)["state"])

    def inside(self, line: str, *, name: str = "default") -> str:
        """What a line of shell says in the machine, as root."""
        return self.b2p("ssh", name, "--root", "--", line).out

    def processes(self) -> list[psutil.Process]:
        """Every process on this computer that was started from this home and is not a test's."""
        return [one for one in psutil.process_iter() if one.pid != os.getpid() and self._mine(one)]

    def _mine(self, one: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            if one.status() == psutil.STATUS_ZOMBIE:
                return False
            marks = [*one.cmdline(), one.environ().get("HOME", "")]
            return any(f"{self.home}/" in f"{word}/" for word in marks)
        return False

    def qemus(self, name: str = "default") -> list[psutil.Process]:
        """The processes that bear the machine's name; whoever just ended is none."""
        return [
            one
            for one in self.processes()
            if any(f"{word},".startswith(f"b2p-{name},") for word in words_of(one))
        ]

    def qemu(self, name: str = "default") -> psutil.Process | None:
        """The machine's QEMU, by its name in the process table."""
        return next(iter(self.qemus(name)), None)

    def traces(self, name: str) -> list[Path]:
        """Every file below the home whose path has the machine's name in it."""
        return sorted(
            path
            for path in self.home.rglob("*")
            if any(name in part for part in path.relative_to(self.home).parts)
        )

    def socket_folders(self) -> set[str]:
        """The directories that hold machines' sockets."""
        root = self.home / ".b2p"
        return {path.name for path in root.iterdir()} if root.is_dir() else set()

    def end(self) -> None:
        """Leave nothing running, however a test ended."""
        for one in self.processes():
            with contextlib.suppress(psutil.Error):
                one.kill()
                one.wait(30)


def words_of(process: psutil.Process) -> list[str]:
    """The words that started a process; none when it has ended."""
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def await_true(what: str, happened: Callable[[], object], *, seconds: float = 120.0) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.1)


@contextlib.contextmanager
def newcomer() -> Iterator[Person]:
    """Somebody with an empty home, of a path short enough for sockets; it is gone afterwards."""
    # Made with the user's own settings of pip, which a new home would not have.
    subprocess.run([str(B2P), "--version"], check=True, capture_output=True)
    # Not below pytest's own directory, which is closed to others: it is b2p that must be.
    home = Path(tempfile.mkdtemp(prefix="b2p-boot-", dir="/tmp"))
    home.chmod(0o755)
    one = Person(home)
    yield one
    one.end()
    shutil.rmtree(home)


@contextlib.contextmanager
def signalled(
    process: subprocess.Popen[str], number: signal.Signals, *, when: Callable[[], object]
) -> Iterator[Said]:
    """Send a signal as soon as something is so; the block sees how the process ended."""
    try:
        while process.poll() is None and not when():
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    yield Said(process.returncode, out, err)


def opened_by_nobody(paths: Sequence[str]) -> Said:
    """What the user nobody can connect to or open of these, a line each; root has to ask."""
    code = (
        "import os, socket, sys\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for path in sys.argv[1:]:\n"
        "    for attempt in (socket.socket(socket.AF_UNIX).connect, open):\n"
        "        try: attempt(path)\n"
        "        except PermissionError: continue\n"
        "        except OSError as error: print(path, error)\n"
        "        else: print(path, 'is open')\n"
    )
    # Python itself may lie where only root reaches it, so it becomes the other user when it runs.
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *paths], capture_output=True, text=True, cwd="/"
    )
    return Said(ended.returncode, ended.stdout, ended.stderr)
