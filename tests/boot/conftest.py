"""One person, one machine and one busybox image for all boot tests: booting is what costs."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import B2P, Person, cache_home
from tests.debian_tools import Tools

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLETS = [
    *("cat", "cut", "date", "echo", "env", "false", "grep", "hostname", "id", "ip", "kill", "ls"),
    *("mkdir", "nc", "nslookup", "ps", "rm", "sh", "sleep", "sync", "test", "touch", "true"),
    *("uname", "wc", "wget"),
]


@pytest.fixture(scope="session")
def tools() -> Tools:
    """Programs from Debian's packages."""
    return Tools(cache_home() / "b2p")


@pytest.fixture(scope="session")
def person() -> Iterator[Person]:
    """Somebody with an empty home, of a path short enough for sockets, open to be looked at."""
    # A shell's background job ignores Ctrl-C, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Made with the user's own settings of pip, which a new home would not have.
    subprocess.run([str(B2P), "--version"], check=True, capture_output=True)
    # Not below pytest's own directory, which is closed to others: it is b2p that must be.
    home = Path(tempfile.mkdtemp(prefix="b2p-boot-", dir="/tmp"))
    home.chmod(0o755)
    one = Person(home)
    yield one
    one.end()
    shutil.rmtree(home)


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
def docker_cli(tools: Tools) -> Path:
    """Docker's own command line."""
    if sys.platform == "linux":
        return tools.program("usr/bin/docker", "docker-cli")
    found = shutil.which("docker")
    if found is None:
        pytest.skip("docker's command line is not installed, and Debian's runs on Linux alone")
    return Path(found)


@pytest.fixture
def docker(machine: Person, docker_cli: Path, busybox_tar: bytes) -> Docker:
    """Docker's command line at the machine, which has the busybox image."""
    client = Docker(docker_cli, machine)
    if client.run("image", "inspect", BUSYBOX, status=None).status:
        client.load_busybox(busybox_tar, BUSYBOX)
    return client


@pytest.fixture
def podman_sdk(docker: Docker) -> Iterator[Any]:
    """PyPI's podman."""
    import podman

    with podman.PodmanClient(base_url=docker.environment["CONTAINER_HOST"]) as client:
        yield client


@pytest.fixture
def docker_sdk(docker: Docker) -> Iterator[Any]:
    """PyPI's docker."""
    import docker as sdk

    client = sdk.DockerClient(base_url=docker.environment["DOCKER_HOST"], timeout=120)
    yield client
    client.close()


@pytest.fixture(scope="session")
def busybox_tar(tools: Tools) -> bytes:
    """A root directory of Debian's busybox-static and nothing else."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(tools.tree("busybox-static") / "usr/bin/busybox", "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name in ("tmp", "etc", "data"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(folder)
    return out.getvalue()
