"""What QEMU forwards is brought to what containers publish, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest

from b2p import publish
from b2p.machine import forwards
from b2p.publish import Wish
from b2p.store.record import Record
from tests.fakes_network import Network

SSH = "2222:22"


def record(**others: Any) -> Record:
    values = {"name": "web", "uuid": "u", "image": "i", "cpus": 1, "memory_mib": 1024}
    return Record(**{**values, "disk_bytes": 1, **others})


def wish(port: int, protocol: str = "tcp", *, loopback: bool = False) -> Wish:
    return Wish(protocol, port, loopback)


@pytest.fixture(autouse=True)
def reasons(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """Why ports cannot be had; those that are not named are taken."""
    found: dict[int, str] = {}
    monkeypatch.setattr(
        "b2p.host.holder.reason", lambda _protocol, _address, port: found.get(port, "taken")
    )
    monkeypatch.setattr("b2p.host.holder.holder", lambda _protocol, _port: "nginx (pid 12)")
    return found


def published(network: Network, *wishes: Wish, everything: bool = False, **others: Any) -> Any:
    return publish.publish(network, record(**others), wishes, everything=everything)


def test_what_is_published_is_forwarded_at_the_same_port_of_loopback() -> None:
    network = Network(SSH)
    outcomes = published(network, wish(8080), wish(53, "udp"), wish(8080))
    assert network.told() == [SSH, "53:53/udp", "8080:8080"]
    assert [outcome.problem for outcome in outcomes] == ["", ""]


def test_what_is_there_already_stays_and_nothing_is_added_twice() -> None:
    network = Network(SSH, "8080:8080")
    assert [one.rule for one in published(network, wish(8080))] == [*forwards.parsed("8080:8080")]
    assert network.told() == [SSH, "8080:8080"]


def test_everywhere_is_where_the_machine_allows_it_and_the_container_does_not_forbid() -> None:
    network = Network(SSH)
    published(network, wish(80), wish(5432, loopback=True), publish="all")
    assert network.told() == ["0.0.0.0:80:80", SSH, "5432:5432"]
    published(network, wish(80, loopback=True), publish="all")
    assert network.told() == [SSH, "5432:5432", "80:80"]


def test_after_a_resume_what_is_not_published_any_more_goes() -> None:
    network = Network(SSH, "1:1", "2:2", "9000:90", "9001:22")
    published(network, wish(2), wish(3), everything=True, ports=("9000:90",))
    assert network.told() == [SSH, "2:2", "3:3", "9000:90", "9001:22"]


def test_unpublish_ends_containers_forwards_alone() -> None:
    network = Network(SSH, "8080:80", "9000:80", "80:80/udp", "81:81")
    publish.unpublish(network, record(ports=("9000:80",)), [wish(80), wish(22), wish(7)])
    assert network.told() == [SSH, "80:80/udp", "81:81", "9000:80"]


def test_a_taken_port_is_told_with_its_holder_and_hinders_no_other() -> None:
    network = Network(SSH, taken=(80,))
    first, second = published(network, wish(80), wish(81))
    assert (first.rule, first.problem) == (None, "taken by nginx (pid 12)")
    assert second.problem == ""
    assert network.told() == [SSH, "81:81"]


def test_a_low_port_without_the_right_goes_to_the_next_free_one(reasons: dict[int, str]) -> None:
    reasons[80] = "forbidden"
    network = Network(SSH, taken=(80, 8080, 8081))
    (outcome,) = published(network, wish(80))
    assert network.told() == [SSH, "8082:80"]
    assert "root; it is at 8082" in outcome.problem
    publish.unpublish(network, record(), [wish(80)])
    assert network.told() == [SSH]


@pytest.mark.parametrize("port", [22, 2375, 2376, 2377])
def test_b2ps_own_ports_are_nobodys(port: int) -> None:
    network = Network()
    (outcome,) = published(network, wish(port))
    assert outcome.rule is None
    assert "b2p's own" in outcome.problem
    assert network.told() == []


def test_there_is_an_end_to_it() -> None:
    network = Network(SSH)
    outcomes = published(network, *(wish(1000 + n) for n in range(forwards.MOST + 2)))
    assert len(network.rules) == forwards.MOST + 1
    assert [one.rule for one in outcomes[-2:]] == [None, None]
    assert "512 ports" in outcomes[-1].problem


def test_what_leads_there_by_hand_from_elsewhere_is_another_thing() -> None:
    network = Network(SSH, "9000:8080")
    published(network, wish(8080), everything=True, ports=("9000:8080",))
    assert network.told() == [SSH, "8080:8080", "9000:8080"]


def test_what_was_added_by_hand_serves_a_container_too() -> None:
    network = Network(SSH, "8080:8080")
    published(network, wish(8080), ports=("8080:8080",))
    publish.unpublish(network, record(ports=("8080:8080",)), [wish(8080)])
    assert network.told() == [SSH, "8080:8080"]
