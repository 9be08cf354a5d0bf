"""podman, docker and ssh find a machine by its name once it is up, and forget it with `rm`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.daily.clients.conftest import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily

NAME = "known"
ALIAS = "b2p-known"


@pytest.fixture(scope="module")
def desk(person: Person, podman_remote: Path, docker_cli: Path) -> dict[str, str]:
    """The person's environment with podman's and docker's own clients."""
    path = os.pathsep.join([str(podman_remote.parent), str(docker_cli.parent)])
    return {**person.environment, "PATH": f"{path}{os.pathsep}{person.environment['PATH']}"}


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An ssh agent that holds one key."""
    directory = tmp_path_factory.mktemp("agent")
    socket = directory / "s"
    started = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    variables = {"SSH_AUTH_SOCK": str(socket)}
    key = directory / "key"
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lent", "-f", str(key)]
    subprocess.run(keygen, check=True)
    while not socket.exists():
        assert started.poll() is None
    subprocess.run(
        ["ssh-add", "-q", str(key)], env={**os.environ, **variables}, check=True, timeout=60
    )
    yield variables
    started.terminate()
    started.wait()


def known_of(desk: dict[str, str]) -> tuple[str, str, str]:
    """What the clients tell of the engines that they know."""
    contexts = run("docker", "context", "ls", "--format", "{{json .}}", environment=desk).out
    current = run("docker", "context", "show", environment=desk).out
    listed = run(
        "podman-remote", "system", "connection", "ls", "--format", "json", environment=desk
    )
    return contexts, current, listed.out


def test_all_know_it_while_it_is_there_and_as_before_when_it_is_gone(
    person: Person, desk: dict[str, str]
) -> None:
    run(
        "podman-remote", "system", "connection", "add", "mine", "unix:///tmp/mine", environment=desk
    )
    ssh = person.home / ".ssh"
    ssh.mkdir(mode=0o700)
    before = known_of(desk)
    names = person.traces("b2p-")
    settings = sorted(person.home.glob(".docker/**/*"))
    try:
        person.b2p("up", NAME, environment=desk)
        contexts, current, listed = known_of(desk)
        assert current == "default\n"
        assert ALIAS in contexts
        connections = {one["Name"]: one["Default"] for one in json.loads(listed)}
        assert connections == {"mine": True, ALIAS: False}

        # A context cannot say which version of the API to speak: the engine has to.
        words = ("version", "--format", "{{.Server.Version}} {{.Server.APIVersion}}")
        version, api = run("docker", "--context", ALIAS, *words, environment=desk).out.split()
        assert api == "1.44"
        words = ("version", "--format", "{{.Server.Version}}")
        assert run("podman-remote", "-c", ALIAS, *words, environment=desk).out == f"{version}\n"

        line = person.b2p("ssh-config", NAME).err.splitlines()[-1].partition("config: ")[2]
        (ssh / "config").write_text(f"{line}\n")
        command = ("ssh", "-F", str(ssh / "config"), ALIAS, "cat /etc/hostname; whoami")
        assert run(*command, environment=desk).out == "known\ncore\n"

        person.b2p("up", NAME, "--default", environment=desk)
        assert known_of(desk)[1] == f"{ALIAS}\n"
        assert run("podman-remote", "version", "--format", "{{.Server.Version}}",
                   environment=desk).out == f"{version}\n"  # fmt: skip
    finally:
        person.b2p("rm", "-f", NAME, status=None)
    assert known_of(desk) == before
    assert person.traces("b2p-") == names
    assert sorted(path.name for path in ssh.iterdir()) == ["config"]
    assert sorted(person.home.glob(".docker/**/*")) == settings
    shutil.rmtree(ssh)


def test_the_ssh_agent_is_lent_where_the_settings_say_so(
    person: Person, agent: dict[str, str]
) -> None:
    # sshd keeps the agent's socket in /tmp, where this computer's would be ours, not core's.
    person.b2p("up", "lent", "--no-mount")
    try:
        words = ("ssh", "lent", "--", 'echo "${SSH_AUTH_SOCK:-none}"')
        assert person.b2p(*words, environment=agent).out == "none\n"
        lent = person.b2p(*words, environment={**agent, "B2P_FORWARD_AGENT": "true"}).out
        assert lent.startswith("/")
    finally:
        person.b2p("rm", "-f", "lent", status=None)
