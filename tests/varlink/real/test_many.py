"""Many clients, clients that leave, clients that speak nonsense: the gateway lives through all."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.boot.person import await_true
from tests.varlink.real.service import BUSYBOX, Service

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.varlink

CLIENTS = 50
CALLS = 1000
LONG = 2 << 20
GATEWAY = "pid=$(systemctl show -P MainPID b2p-varlink.service)"
QUIET = ("sleep", "1000")


class Use(NamedTuple):
    """What the gateway's process holds."""

    threads: int
    descriptors: int


def use(machine: Person) -> Use:
    line = "echo $(ls /proc/$pid/task | wc -l) $(ls /proc/$pid/fd | wc -l)"
    return Use(*map(int, machine.inside(f"{GATEWAY}; {line}").split()))


def await_at_most(machine: Person, *, threads: int) -> None:
    """Waits in the machine: each login there costs it a second."""
    count = "[ $(ls /proc/$pid/task | wc -l) -le"
    look = f"for i in $(seq 120); do {count} {threads} ] && exit 0; sleep 1; done; exit 1"
    machine.inside(f"{GATEWAY}; {look}")


def memory(machine: Person) -> int:
    """Kilobytes."""
    return int(machine.inside(f"{GATEWAY}; grep VmRSS /proc/$pid/status").split()[1])


def test_fifty_clients_at_once_are_all_answered(service: Service) -> None:
    gate = Barrier(CLIENTS)

    def ask(_: int) -> tuple[str, int, list[str]]:
        with service.connect() as wire:
            gate.wait(60)
            images = [image["id"] for image in wire("ListImages")]
            return wire("GetVersion")["version"], wire("ImageExists", name=BUSYBOX), images

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, range(CLIENTS)))
    version, exists, images = answers[0]
    assert version.startswith("5.")
    assert exists == 0
    assert len(images) == 1
    assert answers == [answers[0]] * CLIENTS


def test_clients_that_vanish_in_mid_stream_leave_nothing(service: Service, machine: Person) -> None:
    name = service.run(*QUIET)
    service("GetVersion")
    await_at_most(machine, threads=1)
    before = use(machine)
    wires = [service.connect() for _ in range(12)]
    streams = (
        ("GetContainerLogs", {"name": name}),
        ("GetContainersLogs", {"names": [name], "follow": True}),
        ("GetEvents", {"filter": [f"container={name}"]}),
        ("WaitContainer", {"name": name}),
    )
    for number, wire in enumerate(wires):
        method, parameters = streams[number % len(streams)]
        wire.send(method, parameters, more=True)
    await_true("all of them served", lambda: use(machine).threads >= before.threads + len(wires))
    for wire in wires:
        wire.__exit__()
    await_at_most(machine, threads=before.threads)
    assert use(machine).descriptors <= before.descriptors
    assert service("ContainerExists", name=name) == 0


def test_a_thousand_calls_on_one_connection_cost_no_memory(
    service: Service, machine: Person
) -> None:
    with service.connect() as wire:
        told = [wire("ImageExists", name=BUSYBOX) for _ in range(100)]
        before = memory(machine)
        told += [wire("ImageExists", name=BUSYBOX) for _ in range(CALLS - len(told))]
        assert memory(machine) - before < 1024
    assert told == [0] * CALLS


def test_a_call_that_breaks_off_ends_its_connection_alone(service: Service) -> None:
    with service.connect() as wire, service.connect() as other:
        wire.socket.sendall(b'{"method": "io.podman.GetVers')
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.is_closed()
        assert other("ImageExists", name=BUSYBOX) == 0


def test_an_endless_call_ends_its_connection_alone(service: Service) -> None:
    with service.connect() as wire, service.connect() as other:
        begun = b'{"method": "io.podman.GetVersion", "parameters": {"x": "' + b"x" * LONG
        with suppress(BrokenPipeError, ConnectionResetError):
            wire.socket.sendall(begun)
        assert wire.is_closed()
        assert other("ImageExists", name=BUSYBOX) == 0


@pytest.mark.parametrize("frame", [b"\0", b"[]\0", b'{"method": 1}\0', b"GET / HTTP/1.1\r\n\r\n\0"])
def test_what_is_no_call_ends_its_connection_alone(service: Service, frame: bytes) -> None:
    with service.connect() as wire, service.connect() as other:
        good = json.dumps({"method": "org.varlink.service.GetInfo"}).encode() + b"\0"
        wire.socket.sendall(frame + good)
        assert wire.is_closed()
        assert other("ImageExists", name=BUSYBOX) == 0


def test_calls_of_unknown_things_are_told_apart(service: Service) -> None:
    names = {
        method: service.refusal(method, **given).name
        for method, given in (
            ("io.nobody.Ping", {}),
            ("io.podman.Ping", {}),
            ("AttachControl", {"name": "x"}),
            ("GetContainer", {"id": "nobody"}),
            ("GetImage", {"id": "nobody"}),
            ("GetPod", {"name": "nobody"}),
            ("InspectVolume", {"name": "nobody"}),
        )
    }
    service_error = "org.varlink.service."
    assert names == {
        "io.nobody.Ping": f"{service_error}InterfaceNotFound",
        "io.podman.Ping": f"{service_error}MethodNotFound",
        "AttachControl": f"{service_error}MethodNotImplemented",
        "GetContainer": "ContainerNotFound",
        "GetImage": "ImageNotFound",
        "GetPod": "PodNotFound",
        "InspectVolume": "ErrorOccurred",
    }
    wrong = service.refusal("GetContainer", id=1)
    assert (wrong.name, wrong.parameters) == (
        f"{service_error}InvalidParameter",
        {"parameter": "id"},
    )
