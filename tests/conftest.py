"""For all tests. Hypothesis does not judge by the clock, since computers here are shared."""

from __future__ import annotations

import io
import signal
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boot.person import Person
    from tests.debian_tools import Tools
    from tests.fakes_story import Computer

# The same examples each time: what passes here passes there. New ones are looked for by hand, with
# scripts/test unit --hypothesis-profile thorough
settings.register_profile("b2p", deadline=None, max_examples=30, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("b2p")

# A shell that runs the tests in the background has them ignore Ctrl-C, and their children too.
signal.signal(signal.SIGINT, signal.default_int_handler)

APPLETS = [
    "cat", "cut", "date", "dd", "echo", "env", "false", "grep", "hostname", "httpd", "id", "ip",
    "kill", "ls", "mkdir", "nc", "nslookup", "ps", "rm", "seq", "sh", "sleep", "stty", "sync",
    "test", "touch", "true", "uname", "wc", "wget",
]  # fmt: skip


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    """A computer whose QEMU only pretends; nothing of it is left afterwards."""
    from b2p.store import places
    from tests.fakes import short_directory
    from tests.fakes_story import Computer, keys_at_once

    with short_directory() as root:
        computer = Computer(root)
        places.prepare(computer.layout)
        # What the stories write for other programs lies below a home.
        monkeypatch.setenv("HOME", str(root))
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        monkeypatch.setattr("b2p.ways.own.Supply", computer.supply)
        monkeypatch.setattr("b2p.client.ssh.ensure_key", keys_at_once)
        monkeypatch.setattr("b2p.control.guest.BETWEEN_LOOKS", 0.02)
        monkeypatch.setattr("b2p.host.computer.memory_mib", lambda: computer.host.memory_mib)
        try:
            yield computer
        finally:
            computer.end()


@pytest.fixture(scope="session")
def tools() -> Tools:
    """Programs from Debian's packages."""
    from tests.boot.person import cache_home
    from tests.debian_tools import Tools

    return Tools(cache_home() / "b2p")


@pytest.fixture(scope="session")
def person() -> Iterator[Person]:
    """Somebody with an empty home, of a path short enough for sockets, open to be looked at."""
    from tests.boot.person import newcomer

    with newcomer() as one:
        yield one


@pytest.fixture(scope="session")
def first_up(person: Person) -> str:
    """What `b2p up` said the first time, in an empty home."""
    return person.b2p("up").err


@pytest.fixture
def machine(person: Person, first_up: str) -> Person:
    """The person, whose machine `default` is running; tests share it."""
    if person.qemu() is None:
        person.b2p("up")
    return person


@pytest.fixture(scope="session")
def busybox_tar(tools: Tools) -> bytes:
    """A root directory of Debian's busybox-static and nothing else."""
    return busybox_root(tools)


def add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    """A symbolic link in an image's tar."""
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, target
    archive.addfile(link)


def busybox_root(tools: Tools, architecture: str = "") -> bytes:
    """The same for another architecture, by Debian's name; as a tar."""
    tree = tools.tree("busybox-static", architecture=architecture)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(tree / "usr/bin/busybox", "bin/busybox")
        for applet in APPLETS:
            add_link(archive, f"bin/{applet}", "busybox")
        for name in ("tmp", "etc", "data"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(folder)
    return out.getvalue()
