"""Docker's command line, led to a machine by nothing but `b2p env`."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.boot.person import PATIENCE, Person, Said

if TYPE_CHECKING:
    from pathlib import Path


BUSYBOX = "localhost/busybox:latest"
"""What containers of tests are made of."""


class Docker:
    """docker for one person's machine."""

    def __init__(self, program: Path, person: Person, name: str = "default") -> None:
        self._program = program
        self.person = person
        self.environment = environment(person, name)

    def run(self, *words: str, status: int | None = 0, stdin: bytes = b"") -> Said:
        """Run it to its end, which must have that status (None: any)."""
        ended = subprocess.run(
            [str(self._program), *words],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=PATIENCE,
        )
        said = Said(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
        assert status is None or said.status == status, said
        return said

    def __call__(self, *words: str, stdin: bytes = b"") -> str:
        """What it says on success, without the last newline."""
        return self.run(*words, stdin=stdin).out.rstrip("\n")

    def state(self, container: str) -> dict[str, Any]:
        """The container's State; empty where there is no such container."""
        said = self.run("inspect", container, status=None)
        if said.status:
            return {}
        found: dict[str, Any] = json.loads(said.out)[0]["State"]
        return found

    def is_running(self, container: str) -> bool:
        """Whether it runs."""
        return self.state(container).get("Running") is True

    def remove(self, *containers: str) -> None:
        """Remove them, without the ten seconds that a process deaf to SIGTERM gets."""
        self.run("kill", *containers, status=None)
        self("rm", "-f", *containers)

    def have_busybox(self, rootfs: bytes) -> None:
        """Make the busybox image of that root directory, unless it is there."""
        if self.run("image", "inspect", BUSYBOX, status=None).status:
            self.load_busybox(rootfs, BUSYBOX)

    def load_busybox(self, rootfs: bytes, name: str) -> None:
        """Make an image of a root directory."""
        self("import", "-", name, stdin=rootfs)


def environment(person: Person, name: str = "default", *words: str) -> dict[str, str]:
    """The person's environment after `eval "$(b2p env --docker)"` in bash."""
    lines = person.b2p("env", name, "--docker", "--shell", "bash", *words).out
    ended = subprocess.run(
        ["bash", "-c", 'eval "$1"; env -0', "-", lines],
        env=person.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(word.split("=", 1) for word in ended.stdout.split("\0") if word)
