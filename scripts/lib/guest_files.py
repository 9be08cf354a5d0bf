"""Run in a guest: what files cost in a directory, as JSON. Words: DIRECTORY FILES MEGABYTES."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

IN_ONE_DIRECTORY = 100
GIT = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost", "-c", "gc.auto=0"]


def seconds_of(act: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def forget() -> None:
    """Have the kernel read again what it could remember."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


class Files:
    """Many small files and a big one, in the directory where we are."""

    def __init__(self, files: int, megabytes: int) -> None:
        self.names = [f"d{number // IN_ONE_DIRECTORY}/f{number}" for number in range(files)]
        self.block = os.urandom(1_000_000)
        self.megabytes = megabytes

    def make(self) -> None:
        """Make the small ones, and the directories for them."""
        for number, name in enumerate(self.names):
            if number % IN_ONE_DIRECTORY == 0:
                Path(name).parent.mkdir()
            with open(name, "w") as file:  # noqa: PTH123 - as programs do it
                file.write("x" * 500)

    def look(self) -> None:
        """Ask for each of them."""
        for name in self.names:
            os.stat(name)  # noqa: PTH116 - as programs do it

    def write(self) -> None:
        """Write the big one, until it is on the disk."""
        with Path("big").open("wb") as file:
            file.writelines(self.block for _ in range(self.megabytes))
            os.fsync(file.fileno())

    def read(self) -> None:
        """Read it."""
        with Path("big").open("rb", buffering=0) as file:
            while file.read(len(self.block)):
                pass


def status() -> None:
    """What git has to look at all files for."""
    subprocess.run([*GIT, "status", "--short"], check=True)


def main() -> None:
    """Measure, and leave nothing."""
    top, files = Path(sys.argv[1]), Files(int(sys.argv[2]), int(sys.argv[3]))
    top.mkdir(parents=True)
    os.chdir(top)
    found = {"make": seconds_of(files.make), "first stats": seconds_of(files.look)}
    found["stats"] = seconds_of(files.look)
    for line in ("init -q .", "add .", "commit -qm all"):
        subprocess.run([*GIT, *line.split()], check=True)
    forget()
    found |= {"git status, first": seconds_of(status), "git status": seconds_of(status)}
    found["write"] = seconds_of(files.write)
    forget()
    found["read"] = seconds_of(files.read)
    print(json.dumps(found))
    os.chdir("/")
    shutil.rmtree(top)


if __name__ == "__main__":
    main()
