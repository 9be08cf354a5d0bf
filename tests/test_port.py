"""`b2p port`: what is listed, added and removed, of machines that run and of those that do not."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from b2p import port, status
from b2p.control.errors import SilentError
from b2p.errors import GuestError, UsageError
from b2p.store import record as records
from b2p.store.layout import Layout
from tests.fakes import GuestFeed, short_directory
from tests.fakes_machine import running_machine, stopped_machine
from tests.fakes_network import Network
from tests.fakes_story import Heard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from b2p.store.record import Record


@pytest.fixture
def layout() -> Iterator[Layout]:
    with short_directory() as root:
        yield Layout(data=root / "d", cache=root / "c", config=root / "f", sockets=root / "s")


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """In place of QEMU's; nothing can be had of port 81."""
    found = Network("2222:22", taken=(81,))

    @contextmanager
    def monitor(_path: Path) -> Iterator[Network]:
        yield found

    monkeypatch.setattr(port, "QuickMonitor", monitor)
    monkeypatch.setattr("b2p.host.holder.reason", lambda *_: "taken")
    monkeypatch.setattr("b2p.host.holder.holder", lambda *_: "nginx (pid 12)")
    return found


def kept(layout: Layout) -> tuple[str, ...]:
    found = records.read(layout.machine("default").record)
    assert found
    return found.ports


def shown(ports: list[port.Port]) -> list[str]:
    return [f"{one.by} {one.host_port}:{one.guest_port} {one.problem}".strip() for one in ports]


@contextmanager
def guest(layout: Layout, *ports: int, answer: Any = None) -> Iterator[GuestFeed]:
    """The agent, in whose machine containers have these ports."""
    told = [{"protocol": "tcp", "port": one, "loopback": False} for one in ports]

    def reply(request: dict[str, Any]) -> bytes:
        assert request["do"] == "ports"
        said = {"id": request["id"], "ok": True, "ports": told if answer is None else answer}
        return json.dumps(said).encode() + b"\n"

    with GuestFeed(layout.machine("default").control, reply=reply) as feed:
        yield feed


def test_what_is_added_by_hand_waits_for_the_machine(layout: Layout) -> None:
    stopped_machine(layout)
    report = Heard()
    port.add(layout, "default", ["8080:80", "5353:53/udp", "8080:80"], report)
    assert kept(layout) == ("8080:80", "5353:53/udp")
    assert report.notes[0] == "127.0.0.1:8080/tcp leads to port 80 of machine 'default'"
    assert shown(port.listing(layout, "default")) == ["hand 8080:80", "hand 5353:53"]
    port.remove(layout, "default", ["8080:80"], report)
    assert kept(layout) == ("5353:53/udp",)


def test_of_a_running_machine_qemu_and_the_guest_are_asked(
    layout: Layout, network: Network
) -> None:
    network.rules |= Network("80:80", "8443:443").rules
    with running_machine(layout), guest(layout, 80, 443, 81):
        port.add(layout, "default", ["90:9000"], Heard())
        assert network.told() == ["2222:22", "80:80", "8443:443", "90:9000"]
        assert shown(port.listing(layout, "default")) == [
            "container 80:80",
            "container 0:81 taken by nginx (pid 12)",
            "container 8443:443",
            "hand 90:9000",
            "ssh 2222:22",
        ]
        port.remove(layout, "default", ["90:9000"], Heard())
        assert network.told() == ["2222:22", "80:80", "8443:443"]


def test_what_cannot_be_had_is_not_added_and_leaves_nothing(
    layout: Layout, network: Network
) -> None:
    with (
        running_machine(layout),
        guest(layout),
        pytest.raises(UsageError, match=r"127\.0\.0\.1:81/tcp .* nginx \(pid 12\)"),
    ):
        port.add(layout, "default", ["90:9000", "81:81"], Heard())
    assert kept(layout) == ()
    assert network.told() == ["2222:22"]


def test_one_port_leads_to_one_place(layout: Layout) -> None:
    stopped_machine(layout)
    port.add(layout, "default", ["8080:80"], Heard())
    with pytest.raises(UsageError, match="leads to port 80 already"):
        port.add(layout, "default", ["8080:81"], Heard())
    with pytest.raises(UsageError, match="was not added"):
        port.remove(layout, "default", ["8080:81"], Heard())
    assert kept(layout) == ("8080:80",)


def test_at_a_start_all_of_it_is_tried_again(layout: Layout, network: Network) -> None:
    report = Heard()
    port.restore(network, stopped_machine(layout, ports=("80:80", "81:81")), report)
    assert network.told() == ["2222:22", "80:80"]
    assert report.warnings == [
        (
            "127.0.0.1:81/tcp does not lead to machine 'default': taken by nginx (pid 12); "
            "free it and start the machine again, or b2p port rm 81:81"
        )
    ]


def test_what_failed_is_told_as_a_problem(layout: Layout) -> None:
    with running_machine(layout) as record, guest(layout, 81):
        files = layout.machine("default")
        assert port.problems(record, files) == ["81/tcp: taken by nginx (pid 12)"]
        (found,) = status.of_records([record], layout)
        assert found.state == "running"


def test_a_guest_without_a_way_to_call_is_not_asked(layout: Layout) -> None:
    with running_machine(layout) as record:
        files = layout.machine("default")
        assert shown(port.of_running(record, files)) == ["ssh 2222:22"]


@pytest.mark.parametrize("answer", [1, [{}], [{"port": "x"}], ["80"]])
def test_a_guest_that_answers_nonsense_is_told(layout: Layout, answer: object) -> None:
    with running_machine(layout) as record, guest(layout, answer=answer):
        files = layout.machine("default")
        with pytest.raises(GuestError):
            port.of_running(record, files)
        assert port.problems(record, files) == []


def test_a_qemu_that_is_silent_hides_no_status(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_path: Path) -> object:
        raise SilentError("qemu is silent")

    monkeypatch.setattr(port, "QuickMonitor", silent)
    record: Record = stopped_machine(layout)
    assert port.problems(record, layout.machine("default")) == []
