"""What people do with an engine: docker's command line and the SDKs of PyPI at its socket."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import docker as sdk
import pytest

from tests.boot.engine import BUSYBOX
from tests.boot.person import await_true

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.boot

CONTAINERFILE = f"""\
FROM {BUSYBOX}
COPY greeting /greeting
RUN cat /greeting /greeting > /twice
CMD ["cat", "/twice"]
"""


def test_a_container_runs_and_hands_on_its_status(docker: Docker) -> None:
    assert docker("run", "--rm", BUSYBOX, "echo", "hello") == "hello"
    docker.run("run", "--rm", BUSYBOX, "sh", "-c", "exit 7", status=7)


def test_logs_and_exec_reach_a_container_that_runs(docker: Docker) -> None:
    docker("run", "-d", "--name", "talker", BUSYBOX, "sh", "-c", "echo one; exec sleep 1000")
    try:
        await_true("its word in the logs", lambda: docker("logs", "talker") == "one")
        assert docker("exec", "talker", "sh", "-c", "echo $((6 * 7))") == "42"
        assert docker("exec", "-i", "talker", "cat", stdin=b"through") == "through"
        docker.run("exec", "talker", "sh", "-c", "exit 3", status=3)
    finally:
        docker.remove("talker")


def test_docker_builds_from_a_containerfile(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(CONTAINERFILE)
    (tmp_path / "greeting").write_text("hello\n")
    docker.environment["DOCKER_BUILDKIT"] = "0"
    docker("build", "-t", "localhost/built", "-f", f"{tmp_path}/Containerfile", str(tmp_path))
    try:
        assert docker("run", "--rm", "localhost/built") == "hello\nhello"
    finally:
        docker("rmi", "-f", "localhost/built")


def test_docker_needs_no_variable_at_the_socket_of_its_own(docker: Docker) -> None:
    socket = json.loads(docker.person.b2p("status", "--json").out)["docker_socket"]
    del docker.environment["DOCKER_API_VERSION"]
    docker.environment["DOCKER_HOST"] = f"unix://{socket}"
    assert docker("version", "--format", "{{.Server.APIVersion}}") == "1.44"
    assert docker("run", "--rm", "-i", BUSYBOX, "cat", stdin=b"passed on") == "passed on"
    assert docker.run("run", "--rm", BUSYBOX, "false", status=None).status == 1
    # As docker's command line since 29 asks first, and what it would refuse.
    client = sdk.APIClient(base_url=f"unix://{socket}", version="auto", timeout=120)
    with contextlib.closing(client):
        version = client.head(f"{client.base_url}/_ping").headers["Api-Version"]
    assert tuple(map(int, version.split("."))) >= (1, 44)


def test_dockers_sdk_runs_a_container_and_keeps_a_volume(docker_sdk: Any) -> None:
    volume = docker_sdk.volumes.create("kept")
    try:
        mounts = {"kept": {"bind": "/data", "mode": "rw"}}
        write = ["sh", "-c", "echo written > /data/file"]
        docker_sdk.containers.run(BUSYBOX, write, volumes=mounts, remove=True)
        read = docker_sdk.containers.run(
            BUSYBOX, ["cat", "/data/file"], volumes=mounts, remove=True
        )
        assert read == b"written\n"
    finally:
        volume.remove(force=True)


def test_podmans_sdk_runs_a_pod(podman_sdk: Any) -> None:
    pod = podman_sdk.pods.create("together")
    try:
        container = podman_sdk.containers.create(
            BUSYBOX, ["sleep", "1000"], name="inside", pod=pod.id
        )
        pod.start()
        pod.reload()
        names = {
            one["Names"]
            for one in podman_sdk.pods.list(filters={"name": "together"})[0].attrs["Containers"]
        }
        assert "inside" in names
        container.reload()
        assert container.status == "running"
        _, (said, _) = container.exec_run(["hostname"], demux=True)
        assert said == b"together\n"
    finally:
        pod.remove(force=True)


def test_a_health_check_becomes_healthy(docker: Docker) -> None:
    check = ("--health-cmd", "test -e /tmp/fine", "--health-interval", "1s")
    docker("run", "-d", "--name", "sick", *check, BUSYBOX, "sleep", "1000")
    try:
        assert docker.state("sick")["Health"]["Status"] == "starting"
        docker("exec", "sick", "touch", "/tmp/fine")
        await_true("healthy", lambda: docker.state("sick")["Health"]["Status"] == "healthy")
    finally:
        docker.remove("sick")


def test_a_container_that_fails_is_started_again_as_often_as_was_said(docker: Docker) -> None:
    count = "echo x >> /data/starts; exit 3"
    options = ("--restart", "on-failure:2", "-v", "starts:/data")
    docker("run", "-d", "--name", "failing", *options, BUSYBOX, "sh", "-c", count)
    try:
        starts = ("run", "--rm", "-v", "starts:/data", BUSYBOX, "cat", "/data/starts")
        await_true("the third start", lambda: docker(*starts).split() == ["x"] * 3)
        await_true("its end", lambda: docker.state("failing")["Status"] == "exited")
        assert docker.state("failing")["ExitCode"] == 3
        assert docker(*starts).split() == ["x"] * 3
    finally:
        docker.remove("failing")
        docker("volume", "rm", "-f", "starts")


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from outside")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """Nothing."""


@pytest.fixture
def outside() -> Iterator[int]:
    """The port of a web server on this computer, at the machine's gateway."""
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_a_container_reaches_the_world_but_not_the_engine(
    docker: Docker, machine: Person, outside: int, network: str
) -> None:
    # What listens is asked of the machine, so a port that b2p adds is tested too.
    listening = machine.inside("ss -Hltn src 10.0.2.15").split("\n")
    ports = sorted({line.split()[3].rpartition(":")[2] for line in listening if line})
    assert {"22", "2375"} <= set(ports)
    tries = "; ".join(
        f"nc -w 3 {address} {port} </dev/null >/dev/null 2>&1 && echo reached {address}:{port}"
        for address in ("10.0.2.15", "127.0.0.1")
        for port in {*ports, "2375", "2376", "2377"}
    )
    line = f"wget -q -O - http://10.0.2.2:{outside}/; echo; {tries}; true"
    said = docker("run", "--rm", "--network", network, BUSYBOX, "sh", "-c", line)
    assert said.split("\n") == ["from outside"]


LEADING_HERE = ("10.0.2.2", "10.0.2.3", "host.containers.internal")
"""What leads to this computer's loopback, or might."""


def reached(docker: Docker, port: int) -> list[set[str]]:
    """Which of them a container, one in the machine's own network, root and core connect to."""
    machine = docker.person
    by_nc = "; ".join(
        f"nc -w 3 {one} {port} </dev/null >/dev/null 2>&1 && echo {one}" for one in LEADING_HERE
    )
    by_shell = "; ".join(
        f"timeout 5 bash -c 'exec 3<>/dev/tcp/{one}/{port}' 2>/dev/null && echo {one}"
        for one in LEADING_HERE
    )
    said = [
        docker("run", "--rm", "--network", network, BUSYBOX, "sh", "-c", f"{by_nc}; true")
        for network in ("bridge", "host")
    ]
    said.append(machine.inside(f"{by_shell}; true"))
    said.append(machine.b2p("ssh", "--", f"{by_shell}; true").out)
    return [set(one.split()) for one in said]


def test_loopback_is_closed_to_all_in_there_where_that_is_wished(
    docker: Docker, outside: int
) -> None:
    machine = docker.person
    known = {"10.0.2.2", "host.containers.internal"}
    assert all(known <= one for one in reached(docker, outside))
    machine.b2p("up", environment={"B2P_HOST_LOOPBACK": "false"})
    try:
        assert not any(reached(docker, outside))
    finally:
        machine.b2p("up")
    assert all(known <= one for one in reached(docker, outside))


def test_podman_of_the_machine_is_at_hand(machine: Person, docker: Docker) -> None:
    docker("run", "-d", "--name", "seen", BUSYBOX, "sleep", "1000")
    try:
        assert "seen" in machine.b2p("podman", "ps", "--format", "{{.Names}}").out.split()
        piped = machine.b2p("podman", "exec", "-i", "seen", "cat", stdin="through")
        assert piped.out == "through"
        machine.b2p("podman", "run", "--rm", "localhost/missing", status=125)
    finally:
        docker.remove("seen")
