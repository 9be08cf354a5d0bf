"""A database in a container of a machine: rows committed one by one, each told once it is kept."""

from __future__ import annotations

import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.conftest import add_link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person
    from tests.debian_tools import Tools

IMAGE = "localhost/sqlite"
BASE = "/db/base"
WRITER = f"""\
ask() {{ /bin/sqlite3 {BASE} "pragma synchronous=extra; $1"; }}
ask 'create table if not exists t (n integer primary key)'
n=$(ask 'select coalesce(max(n), 0) from t')
while :; do n=$((n + 1)); ask "insert into t values ($n); select max(n) from t"; done
"""
READER = f"/bin/sqlite3 {BASE} 'pragma integrity_check; select max(n) from t'"


def packed(tools: Tools, place: Path) -> Path:
    """A tar of Debian's sqlite3 and a shell, to be imported as an image."""
    tree = tools.tree("sqlite3", "busybox-static")
    with tarfile.open(place, "w") as archive:
        for name in ("lib", "lib64", "bin"):
            if (tree / "usr" / name).exists():
                add_link(archive, name, f"usr/{name}")
                archive.add(tree / "usr" / name, f"usr/{name}")
        add_link(archive, "usr/bin/sh", "busybox")
    return place


class Database:
    """That of one machine, in a volume."""

    def __init__(self, person: Person, name: str) -> None:
        self.person = person
        self.name = name

    def bring(self, archive: Path) -> None:
        """Have the image in the machine."""
        self.person.b2p("cp", str(archive), f"{self.name}:/var/tmp/image.tar")
        self.person.inside(f"podman import -q /var/tmp/image.tar {IMAGE}; sync", name=self.name)

    @contextmanager
    def writing(self, rows: int) -> Iterator[int]:
        """So many rows have been told, the last one with that number; more are written."""
        writer = self.person.begin("podman", "-m", self.name, *_run(WRITER))
        assert writer.stdout
        last = 0
        try:
            for _ in range(rows):
                line = writer.stdout.readline().strip()
                assert line.isdigit(), line
                last = int(line)
            yield last
        finally:
            # Its ssh, and the container, go on until their machine ends.
            writer.kill()
            writer.wait()
            for pipe in (writer.stdout, writer.stderr):
                assert pipe
                pipe.close()

    def read(self) -> tuple[str, int]:
        """What SQLite thinks of it, and its last row."""
        said = self.person.b2p("podman", "-m", self.name, *_run(READER)).out
        sound, last = said.split()
        return sound, int(last)


def _run(line: str) -> tuple[str, ...]:
    return ("run", "--rm", "--network", "none", "-v", "db:/db", IMAGE, "/bin/sh", "-c", line)
