"""Containers' ports come and go on this computer as they do in the machine."""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import TYPE_CHECKING

import pytest

from b2p.host import holder
from tests.boot.engine import BUSYBOX
from tests.boot.person import await_true
from tests.daily.ports.reach import echoes, fetched, is_closed, is_open, listed, listeners, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.daily


def test_a_published_port_answers_here_and_ends_with_its_container(
    docker: Docker, machine: Person, free_port: Callable[[], int]
) -> None:
    port = free_port()
    serve(docker, "web", "hello", "-p", f"{port}:80")
    await_true("the container's word", lambda: fetched(port) == "hello")
    assert {address for address, _ in listeners(machine)} == {"127.0.0.1"}
    docker("stop", "-t", "0", "web")
    await_true("its end", lambda: is_closed(port))
    docker("start", "web")
    await_true("its word again", lambda: fetched(port) == "hello")


def test_what_is_published_on_loopback_is_passed_on(
    docker: Docker, machine: Person, free_port: Callable[[], int]
) -> None:
    port = free_port()
    serve(docker, "base", "inner", "-p", f"127.0.0.1:{port}:80")
    await_true("the container's word", lambda: fetched(port) == "inner")
    # Others in the machine see no more of it than before: loopback is its own.
    line = f"wget -T 5 -q -O - http://10.0.2.15:{port}/ || echo closed"
    assert docker("run", "--rm", BUSYBOX, "sh", "-c", line) == "closed"


@pytest.mark.parametrize("network", ["pasta", "bridge"])
@pytest.mark.parametrize("address", ["", "127.0.0.1:"])
def test_cores_containers_publish_too(
    docker: Docker, machine: Person, free_port: Callable[[], int], network: str, address: str
) -> None:
    port = free_port()
    # podman adds to no archive that is there.
    machine.inside("rm -f /var/tmp/image.tar")
    machine.b2p("podman", "save", BUSYBOX, "-o", "/var/tmp/image.tar")
    machine.inside("chmod 644 /var/tmp/image.tar")
    podman = ("podman", "--rootless")
    machine.b2p(*podman, "load", "-i", "/var/tmp/image.tar")
    line = "echo rootless >/tmp/index.html; exec httpd -f -p 80 -h /tmp"
    machine.b2p(
        *(*podman, "run", "-d", "--name", "web", "--network", network),
        *("-p", f"{address}{port}:80", BUSYBOX, "sh", "-c", line),
    )
    try:
        await_true("the container's word", lambda: fetched(port) == "rootless")
        machine.b2p(*podman, "stop", "-t", "0", "web")
        await_true("its end", lambda: is_closed(port))
        machine.b2p(*podman, "start", "web")
        await_true("its word again", lambda: fetched(port) == "rootless")
    finally:
        machine.b2p(*podman, "rm", "-f", "-t", "0", "web")
    await_true("its end", lambda: is_closed(port))


ECHO = """
import socket, sys, threading
def serve(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", port))
    while True:
        s.sendto(*s.recvfrom(999))
for port in sys.argv[1:]:
    threading.Thread(target=serve, args=(int(port),)).start()
"""
PYTHON = [word for path in ("/usr", "/lib", "/lib64") for word in ("-v", f"{path}:{path}:ro")]
"""The machine's own Python, lent to a container: busybox has nothing that answers by UDP."""


def range_port() -> int:
    """The first of three ports that nobody has just now, by TCP and by UDP."""
    for first in range(21000, 29000, 3):
        reasons = {
            holder.reason(protocol, "127.0.0.1", first + n)
            for protocol in ("tcp", "udp")
            for n in range(3)
        }
        if reasons == {"free"}:
            return first
    raise AssertionError("no three ports are free")


def test_udp_and_ranges(docker: Docker, machine: Person) -> None:
    first = range_port()
    line = "; ".join(f"busybox httpd -p {port} -h /etc" for port in (9000, 9001, 9002))
    line += '; exec /usr/bin/python3 -S -c "$0" 9000 9001 9002'
    ports = f"{first}-{first + 2}:9000-9002"
    options = ("-p", ports, "-p", f"{ports}/udp", *PYTHON)
    docker("run", "-d", "--name", "many", *options, BUSYBOX, "sh", "-c", line, ECHO)
    mine = [(kind, first + n) for kind in ("tcp", "udp") for n in range(3)]

    def told() -> list[tuple[str, int]]:
        return sorted((one["protocol"], one["host_port"]) for one in listed(machine))

    await_true("all six", lambda: set(mine) <= set(told()))
    for port in range(first, first + 3):
        await_true("an answer by TCP", partial(is_open, port))
        await_true("an answer by UDP", partial(echoes, port))
    docker.remove("many")
    await_true("their end", lambda: not set(mine) & set(told()))


def test_the_machines_own_podman_a_pod_and_a_quadlet_are_seen_too(
    docker: Docker, machine: Person, free_port: Callable[[], int]
) -> None:
    ports = [free_port() for _ in range(2)]
    words = ("sh", "-c", "busybox httpd -f -p 80 -h /etc")
    machine.b2p("podman", "pod", "create", "--name", "p", "-p", f"{ports[0]}:80")
    machine.b2p("podman", "run", "-d", "--pod", "p", "--name", "inpod", BUSYBOX, *words)
    unit = (
        f"[Container]\nContainerName=quad\nImage={BUSYBOX}\n"
        f"PublishPort=127.0.0.1:{ports[1]}:80\nExec=busybox httpd -f -p 80 -h /etc\n"
    )
    folder = "/etc/containers/systemd"
    machine.inside(f"printf '{unit}' > {folder}/quad.container")
    try:
        machine.inside("systemctl daemon-reload && systemctl start quad.service")
        for port in ports:
            await_true("forwarded", partial(is_open, port))
    finally:
        machine.inside(f"systemctl stop quad.service; rm {folder}/quad.container")
        machine.b2p("podman", "pod", "rm", "-f", "-t", "0", "p")
    for port in ports:
        await_true("its end", partial(is_closed, port))


def test_a_taken_port_is_told_with_its_holder(
    docker: Docker, machine: Person, free_port: Callable[[], int]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        port = mine.getsockname()[1]
        serve(docker, "late", "late", "-p", f"{port}:80")
        told = "taken by python"

        def problem() -> str:
            return "".join(one["problem"] for one in listed(machine) if one["guest_port"] == port)

        await_true("its problem", lambda: told in problem() and f"pid {os.getpid()}" in problem())
        assert f"port {port}/tcp of machine 'default' is not published" in machine.b2p("logs").out
        assert told in machine.b2p("status").out
    docker("restart", "-t", "0", "late")
    await_true("its word", lambda: fetched(port) == "late")


def test_by_hand_a_port_leads_where_no_container_is(
    docker: Docker, machine: Person, free_port: Callable[[], int]
) -> None:
    port, other = free_port(), free_port()
    serve(docker, "inhost", "seen", "--network", "host", port=7070)
    machine.b2p("port", "add", f"{port}:7070", f"{other}:7070/udp")
    try:
        await_true("its word", lambda: fetched(port) == "seen")
        mine = {
            (one["host_port"], one["protocol"]) for one in listed(machine) if one["by"] == "hand"
        }
        assert mine == {(port, "tcp"), (other, "udp")}
    finally:
        machine.b2p("port", "rm", f"{port}:7070", f"{other}:7070/udp")
    assert is_closed(port)
    assert "was not added" in machine.b2p("port", "rm", f"{port}:7070", status=2).err


ASK = (
    'python3 -c \'import socket; s = socket.create_connection(("10.0.2.100", 2378), 3);'
    ' s.sendall(b"{}\\n"); print(s.recv(100))\' 2>&1 | tail -n 1'
)


def test_host_calls_are_the_agents_alone(docker: Docker, machine: Person) -> None:
    tries = "nc -w 3 10.0.2.100 2378 </dev/null && echo reached; echo done"
    for network in ("bridge", "host"):
        said = docker("run", "--rm", "--network", network, BUSYBOX, "sh", "-c", tries)
        assert said == "done"
    for user in ("root", "core"):
        assert "refused" in machine.inside(f"runuser -u {user} -- {ASK}")
    assert machine.inside("stat -c '%a %U' /run/b2p/token") == "600 root\n"


def test_a_call_that_shows_no_token_is_refused(machine: Person) -> None:
    group = "/sys/fs/cgroup/system.slice/b2p-agent.service/cgroup.procs"
    assert "wrong token" in machine.inside(f"echo $$ > {group}; {ASK}")
