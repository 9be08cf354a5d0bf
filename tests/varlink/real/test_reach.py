"""Who reaches a machine's varlink, by which ways, and who does not."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.lib.varlink_wire import Wire
from tests.boot.person import await_true
from tests.varlink.real.conftest import variable
from tests.varlink.real.service import BUSYBOX, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boot.person import Person
    from tests.varlink.real.conftest import Old

pytestmark = pytest.mark.varlink

NOBODY = 65534
GUEST, GATEWAY, VARLINK, OPEN = "10.0.2.15", "10.0.2.2", 2377, 7777
QUESTION = json.dumps({"method": "org.varlink.service.GetInfo"}) + r"\0"
OLD_COMMAND = "varlink -A 'podman --log-level=error varlink $VARLINK_ADDRESS' bridge"
EXISTS = ("io.podman.ImageExists", json.dumps({"name": BUSYBOX}))


@pytest.fixture
def open_port(machine: Person) -> Iterator[None]:
    """A port of the machine that anybody reaches, to know that containers reach some."""
    serve = f"python3 -m http.server --directory /usr/lib/b2p {OPEN}"
    machine.inside(f"systemd-run -q --unit open-port {serve}")
    yield
    machine.inside("systemctl stop open-port")


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_a_container_does_not_reach_it(
    service: Service, machine: Person, open_port: None, network: str
) -> None:
    name = service.run(network=network)
    fetch = f"wget -q -T 5 -O - http://{GUEST}:{OPEN}/"
    await_true("the open port", lambda: service.execute(name, "sh", "-c", fetch)[0] == 0)
    for place in (GUEST, GATEWAY, "127.0.0.1"):
        ask = f"printf '{QUESTION}' | nc -w 5 {place} {VARLINK}"
        assert service.execute(name, "sh", "-c", f"{ask} 2>/dev/null")[1] == "", place


def test_another_user_of_this_computer_does_not_reach_it(service: Service, machine: Person) -> None:
    path = Path(service.address.removeprefix("unix:"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        assert subprocess.run(["ls", str(path)], capture_output=True).returncode == 0
        looked = subprocess.run(["ls", str(path)], capture_output=True, text=True, user=NOBODY)
        assert "Permission denied" in looked.stderr


def test_in_the_machine_it_is_roots_alone(machine: Person) -> None:
    assert machine.inside("stat -c %a:%U /run/podman/io.podman").strip() == "600:root"


def bridge(machine: Person) -> str:
    """The line that `b2p env` prints."""
    return variable(machine, "PODMAN_VARLINK_BRIDGE", "--varlink", "--bridge")


def old_bridge(machine: Person) -> str:
    """The same with the command of podman-remote's days."""
    words = shlex.split(bridge(machine))
    assert words[-1] == "varlink bridge"
    return shlex.join([*words[:-1], OLD_COMMAND])


@pytest.mark.parametrize("line_of", [bridge, old_bridge])
def test_python_varlink_calls_through_a_bridge(
    machine: Person, service: Service, old: Old, line_of: object
) -> None:
    assert callable(line_of)
    said = old.run("-m", "varlink.cli", "-b", line_of(machine), "call", *EXISTS).out
    assert json.loads(said) == {"exists": 0}


@pytest.mark.parametrize("line_of", [bridge, old_bridge])
def test_a_bridge_carries_files_too(machine: Person, service: Service, line_of: object) -> None:
    assert callable(line_of)
    here, there = socket.socketpair()
    with subprocess.Popen(
        ["sh", "-c", line_of(machine)], stdin=there.fileno(), stdout=there.fileno()
    ) as process:
        there.close()
        with Wire(here) as wire:
            assert wire("ImageExists", name=BUSYBOX) == 0
            path = wire.upgrade("SendFile", type="", length=9)["file_handle"]
            wire.socket.sendall(b"by bridge")
            assert wire.read(len(path) + 1) == f"{path}:".encode()
        assert process.wait(60) == 0
    assert service.receive(path) == b"by bridge"


def test_in_the_machine_the_resolver_knows_who_serves(machine: Person, service: Service) -> None:
    call = "varlinkctl call unix:/run/org.varlink.resolver org.varlink.resolver.Resolve"
    told = machine.inside(f"""{call} '{{"interface": "io.podman"}}'""")
    assert json.loads(told) == {"address": "unix:/run/podman/io.podman"}
    method, parameters = EXISTS
    assert json.loads(machine.inside(f"varlink call {method} '{parameters}'")) == {"exists": 0}


def test_b2p_itself_asks_and_calls(machine: Person, service: Service) -> None:
    told = machine.b2p("varlink", "info").out
    assert "io.podman" in told
    assert json.loads(machine.b2p("varlink", "info", "--json").out)["product"] == "podman"
    assert json.loads(machine.b2p("varlink", "call", *EXISTS).out) == {"exists": 0}
    name = service.run("seq", "2")
    service("WaitContainer", name=name)
    wish = json.dumps({"names": [name], "follow": True})
    lines = machine.b2p("varlink", "call", "--more", "io.podman.GetContainersLogs", wish).out
    assert [word for word in lines.split() if word in {'"1",', '"2",'}] == ['"1",', '"2",']
    wrong = machine.b2p("varlink", "call", "io.podman.GetImage", '{"id": "nobody"}', status=125)
    assert wrong.err.startswith("b2p: io.podman.ImageNotFound(id='nobody'")


def test_it_ends_when_nobody_came_for_a_while_and_comes_back(
    machine: Person, service: Service
) -> None:
    service("GetVersion")
    asked = "systemctl show -P MainPID b2p-varlink.service"
    assert int(machine.inside(asked)) > 0
    await_true("its end", lambda: int(machine.inside(asked)) == 0, seconds=180)
    assert machine.inside("ps -eo args | grep [v]arlink_gateway || echo none").strip() == "none"
    assert service("ImageExists", name=BUSYBOX) == 0


def test_podman_may_go_and_come_back(machine: Person, service: Service) -> None:
    with service.connect() as wire:
        assert wire("ImageExists", name=BUSYBOX) == 0
        machine.inside("systemctl stop podman.socket podman.service")
        try:
            error = service.refusal("ImageExists", name=BUSYBOX)
            assert error.name == "ErrorOccurred"
            assert "podman does not answer" in error.parameters["reason"]
            wire.send("org.varlink.service.GetInfo")
            assert wire.reply()["parameters"]["product"] == "podman"
        finally:
            machine.inside("systemctl start podman.socket")
        assert wire("ImageExists", name=BUSYBOX) == 0
        machine.inside("systemctl restart podman.service")
        assert wire("ImageExists", name=BUSYBOX) == 0
