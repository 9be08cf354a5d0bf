"""A machine with docker's own engine: what podman has not, and what a machine of b2p's has."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, environment
from tests.boot.person import await_true
from tests.daily.engines.conftest import NAME
from tests.daily.ports.reach import fetched, is_closed, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.daily

BUILD = f"""
FROM {BUSYBOX}
ARG WORD
RUN --mount=type=cache,target=/kept echo $WORD >>/kept/log && cat /kept/log >/heard
COPY <<here /words
a file within the recipe
here
"""


def test_the_engine_is_docker_itself(moby: Docker, person: Person) -> None:
    found = json.loads(moby("info", "--format", "{{json .}}"))
    assert found["Driver"] == "overlay2"
    assert found["CgroupDriver"] == "systemd"
    assert found["CgroupVersion"] == "2"
    assert not found["Warnings"]
    version = json.loads(moby("version", "--format", "{{json .Server}}"))
    assert {one["Name"] for one in version["Components"]} >= {"Engine", "containerd", "runc"}
    assert person.facts(NAME)["engine"] == "docker"


def test_its_clients_are_led_there_and_podmans_are_told(moby: Docker, person: Person) -> None:
    variables = environment(person, NAME)
    assert "CONTAINER_HOST" not in variables
    assert "DOCKER_BUILDKIT" not in variables
    assert variables["DOCKER_HOST"].startswith("unix://")
    said = person.b2p("env", NAME).out
    assert "DOCKER_HOST" in said
    assert "CONTAINER_HOST" not in said
    for words in (
        ("podman", "-m", NAME, "ps"),
        ("env", NAME, "--varlink"),
        ("env", NAME, "--rootless"),
        ("varlink", "info", "-m", NAME),
        ("up", NAME, "--engine", "podman"),
    ):
        refused = person.b2p(*words, status=2).err
        assert len(refused.splitlines()) == 2, refused


def test_docker_within_the_machine_serves_its_user(moby: Docker, person: Person) -> None:
    said = person.b2p("ssh", NAME, "--", "docker run --rm --init localhost/busybox id -u").out
    assert said.strip() == "0"


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_a_container_does_not_reach_the_engine(moby: Docker, person: Person, network: str) -> None:
    listening = person.inside("ss -Hltn src 10.0.2.15", name=NAME).splitlines()
    ports = {line.split()[3].rpartition(":")[2] for line in listening}
    assert {"22", "2375", "2379"} <= ports
    tries = "; ".join(
        f"nc -w 3 {address} {port} </dev/null >/dev/null 2>&1 && echo reached {address}:{port}"
        for address in ("10.0.2.15", "127.0.0.1")
        for port in sorted(ports)
    )
    line = f"{tries}; echo tried"
    assert moby("run", "--rm", "--network", network, BUSYBOX, "sh", "-c", line) == "tried"


def test_buildkit_keeps_a_cache_from_one_build_to_the_next(moby: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(BUILD)
    words = ("buildx", "build", "--progress=plain", "--load", "-t", "localhost/built")
    for word, heard in (("one", ["one"]), ("two", ["one", "two"])):
        moby(*words, "--build-arg", f"WORD={word}", str(tmp_path))
        line = "cat /heard /words"
        said = moby("run", "--rm", "localhost/built", "sh", "-c", line).splitlines()
        assert said == [*heard, "a file within the recipe"]


def test_what_a_container_publishes_answers_here(
    moby: Docker, free_port: Callable[[], int]
) -> None:
    for host in ("", "127.0.0.1:"):
        port = free_port()
        serve(moby, "web", "hello", "-p", f"{host}{port}:80")
        await_true("the container's word", partial(_says, port, "hello"))
        moby.remove("web")
        await_true("its end", partial(is_closed, port))


def _says(port: int, word: str) -> bool:
    return fetched(port) == word


def test_a_swarm_of_one_runs_a_service(moby: Docker, free_port: Callable[[], int]) -> None:
    port = free_port()
    moby("swarm", "init")
    try:
        line = "mkdir -p /www; echo swarm > /www/index.html; exec busybox httpd -f -p 80 -h /www"
        moby(
            *("service", "create", "--detach", "--name", "web", "--replicas", "1"),
            *("--no-resolve-image", "-p", f"{port}:80", BUSYBOX, "sh", "-c", line),
        )
        await_true(
            "its replica",
            lambda: moby("service", "ls", "--format", "{{.Replicas}}") == "1/1",
            seconds=300,
        )
        await_true("its word", lambda: fetched(port) == "swarm")
    finally:
        moby("swarm", "leave", "--force")
    await_true("its end", lambda: is_closed(port))


def test_containers_and_volumes_outlast_the_machines_power(moby: Docker, person: Person) -> None:
    moby("volume", "create", "kept")
    line = "trap 'echo ended >>/data/log; exit 0' TERM; echo began >>/data/log; sleep 100000 & wait"
    options = ("-d", "-v", "kept:/data", BUSYBOX, "sh", "-c", line)
    moby("run", "--name", "again", "--restart", "always", *options)
    moby("run", "--name", "once", "-d", BUSYBOX, "sleep", "100000")
    person.b2p("down", NAME)
    person.b2p("up", NAME)
    await_true("its restart", lambda: moby.is_running("again"))
    assert not moby.is_running("once")
    await_true(
        "its words",
        lambda: moby("exec", "again", "cat", "/data/log").split() == ["began", "ended", "began"],
    )
    moby.remove("again", "once")
    moby("volume", "rm", "kept")


def test_a_suspended_machine_goes_on_with_its_containers(
    moby: Docker, person: Person, free_port: Callable[[], int]
) -> None:
    port = free_port()
    serve(moby, "web", "hello", "-p", f"{port}:80")
    await_true("the container's word", lambda: fetched(port) == "hello")
    began = moby.state("web")["StartedAt"]
    person.b2p("suspend", NAME)
    assert person.state(NAME) == "suspended"
    person.b2p("up", NAME)
    assert moby.state("web")["StartedAt"] == began
    assert moby.is_running("web")
    await_true("its word again", lambda: fetched(port) == "hello")
    moby.remove("web")


def test_new_registries_reach_docker_and_its_containers_go_on(moby: Docker, person: Person) -> None:
    moby("run", "--name", "on", "-d", BUSYBOX, "sleep", "100000")
    environment = {"B2P_INSECURE_REGISTRIES": "10.0.2.2:5000"}
    person.b2p("up", NAME, environment=environment)
    await_true("it", lambda: "10.0.2.2:5000" in moby("info", "--format", "{{.RegistryConfig}}"))
    assert moby.is_running("on")
    moby.remove("on")


@pytest.mark.skipif(sys.platform != "linux", reason="golden states are Linux's")
def test_a_throwaway_engine_can_be_docker(person: Person, docker_cli: Path) -> None:
    words = (
        str(docker_cli),
        "version",
        "--format",
        "{{range .Server.Components}}{{.Name}} {{end}}",
    )
    said = person.b2p("scratch", "--engine", "docker", "--", *words).out
    assert "containerd" in said


def test_a_clone_has_docker_and_the_containers(
    moby: Docker, person: Person, docker_cli: Path
) -> None:
    from tests.boot.engine import Docker

    moby("run", "--name", "kept", BUSYBOX, "true")
    person.b2p("down", NAME)
    person.b2p("clone", NAME, "dolly")
    person.b2p("up", "dolly")
    assert Docker(docker_cli, person, "dolly")("ps", "-aq", "--filter", "name=kept")
    person.b2p("rm", "-f", "dolly")
    person.b2p("up", NAME)
    moby("rm", "kept")
