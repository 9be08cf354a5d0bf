"""docs/tutorial.md, line by line, by a person with an empty home; what it shows is what is said."""

from __future__ import annotations

import contextlib
import doctest
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import Docker
from tests.boot.person import TREE, Person, await_true
from tests.boot.test_3_registries import answers, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.debian_tools import Tools

pytestmark = pytest.mark.daily

END = "-- end of line, status "
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: 127.0.0.1:{port}}}
"""


@dataclass(frozen=True)
class Line:
    """A command as it stands there, and what is shown below it."""

    command: str
    shown: str


def lines(text: str) -> list[Line]:
    """All of a page's consoles."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *rest = part.splitlines()
            more = [one[2:] for one in rest if one == ">" or one.startswith("> ")]
            shown = [one for one in rest if not one.startswith(">")]
            found.append(Line("\n".join([first, *more]), "\n".join(shown)))
    return found


class Shell:
    """One bash for all lines, as a person has it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=TREE,
        )

    def says(self, command: str) -> tuple[int, str]:
        """The status of a command, and all that it said."""
        assert self._process.stdin
        assert self._process.stdout
        # What is asked of it comes from nowhere: the shell reads its own commands from stdin.
        self._process.stdin.write(
            f"{{ {command}\n}} </dev/null; status=$?; echo; echo '{END}'$status\n"
        )
        self._process.stdin.flush()
        said: list[str] = []
        for line in self._process.stdout:
            if line.startswith(END):
                return int(line.removeprefix(END)), "".join(said).rstrip("\n")
            said.append(line)
        raise AssertionError(f"the shell ended: {said}")

    def end(self) -> None:
        """No shell outlives the test."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def hub(tools: Tools, tmp_path: Path, person: Person, busybox_tar: bytes) -> Iterator[str]:
    """In place of docker.io: Debian's registry, which has library/busybox."""
    port = free_port()
    (tmp_path / "config.yml").write_text(CONFIG.format(folder=tmp_path, port=port))
    program = tools.program("usr/bin/docker-registry", "docker-registry")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(program), "serve", str(tmp_path / "config.yml")], stdout=log, stderr=log
        )
    name = f"10.0.2.2:{port}"
    try:
        await_true("the registry", lambda: answers(port))
        person.b2p("up", environment={"B2P_INSECURE_REGISTRIES": name})
        docker = Docker(tools.program("usr/bin/docker", "docker-cli"), person)
        docker.load_busybox(busybox_tar, f"{name}/library/busybox")
        docker("push", f"{name}/library/busybox")
        person.b2p("rm", "-f", "default")
        yield name
    finally:
        person.b2p("rm", "-f", "default", status=None)
        server.terminate()
        server.wait(30)


@pytest.fixture
def shell(person: Person, tools: Tools, hub: str) -> Iterator[Shell]:
    """The person's, with docker's command line, and the hub for docker.io."""
    docker = tools.program("usr/bin/docker", "docker-cli")
    one = Shell(
        {
            **person.environment,
            "PATH": f"{docker.parent}:{person.environment['PATH']}",
            "B2P_REGISTRY_MIRRORS": f"docker.io={hub}",
            "B2P_INSECURE_REGISTRIES": hub,
            # Whatever runs here already: the lines are to be those that are shown.
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
    )
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(one.end)
        yield one


def test_the_tutorial(shell: Shell, person: Person) -> None:
    compare = doctest.OutputChecker().check_output
    found = lines((TREE / "docs/tutorial.md").read_text(encoding="utf-8"))
    assert len(found) > 25
    for line in found:
        status, said = shell.says(line.command)
        assert status == 0, (line.command, said)
        assert compare(f"{line.shown}\n", f"{said}\n", SAME), (line.command, line.shown, said)
    assert person.qemus() == []


def test_the_documentation_has_no_dead_link(tmp_path: Path) -> None:
    subprocess.run([str(TREE / "scripts/docs"), str(tmp_path / "site")], check=True)
    page = (tmp_path / "site/reference/verbs/index.html").read_text()
    assert "b2p up [OPTIONS] [NAME]" in page
    assert (tmp_path / "site/tutorial/index.html").is_file()
