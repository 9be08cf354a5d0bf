"""The links to other machines, as ip and nft are told of them; and who is called what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MACHINES = {"a": 1, "b": 2}


@pytest.fixture
def peers(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with cards that lead to the machines 1 and 2."""
    macs = {"eth0": "52:54:00:b2:b0:01", "eth1": "52:54:00:b2:b1:01", "eth2": "52:54:00:b2:b1:02"}
    for card, mac in macs.items():
        (tmp_path / "net" / card).mkdir(parents=True)
        (tmp_path / "net" / card / "address").write_text(f"{mac}\n")
        (tmp_path / "ipv6" / card).mkdir(parents=True)
    for name, place in {"CARDS": "net", "SETTINGS_IPV6": "ipv6", "HOSTS": "hosts"}.items():
        monkeypatch.setattr(agent.peers, name, str(tmp_path / place))
    return agent.peers


def test_cards_are_known_by_their_macs(peers: Any) -> None:
    assert peers.links() == {1: "eth1", 2: "eth2"}


def test_a_link_is_named_and_leads_to_one_address(peers: Any) -> None:
    assert peers.commands(2, peers.links()).splitlines() == [
        "link set eth1 down",
        "link set eth1 name peer1",
        "address flush dev peer1",
        "address add 10.178.178.2 peer 10.178.178.1/32 dev peer1",
        "link set peer1 up",
        "link set eth2 down",
        "link set eth2 name peer2",
        "address flush dev peer2",
        "link set peer2 down",
    ]


def test_another_number_leaves_nothing_of_the_old_one(peers: Any) -> None:
    assert peers.commands(1, {1: "peer1", 2: "peer2"}).splitlines() == [
        "address flush dev peer1",
        "link set peer1 down",
        "address flush dev peer2",
        "address add 10.178.178.1 peer 10.178.178.2/32 dev peer2",
        "link set peer2 up",
    ]


def test_only_the_machine_at_the_other_end_is_heard_and_only_for_us(peers: Any) -> None:
    rules = peers.table(2, [1, 2, 3])
    assert "ip daddr != 10.178.178.2 drop" in rules
    assert '!= { "peer1" . 10.178.178.1, "peer3" . 10.178.178.3 } drop' in rules


def test_the_firewall_is_up_before_the_links(
    peers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(peers.power, "run_with", lambda _text, *words: done.append(words[0]))
    peers.join(2)
    assert done == ["/usr/sbin/nft", "/usr/bin/ip"]
    assert (tmp_path / "ipv6/eth1/disable_ipv6").read_text() == "1"
    assert not (tmp_path / "ipv6/eth0/disable_ipv6").exists()


def test_a_machine_without_links_says_so(peers: Any, tmp_path: Path) -> None:
    for card in ("eth1", "eth2"):
        (tmp_path / "net" / card / "address").write_text("52:54:00:00:00:01\n")
    with pytest.raises(OSError, match="started without links"):
        peers.join(1)


def test_names_of_all_are_in_hosts(peers: Any, tmp_path: Path) -> None:
    peers.write_hosts("b", {"number": 2, "machines": MACHINES})
    text = (tmp_path / "hosts").read_text()
    assert "10.178.178.1 a a.b2p.internal\n10.178.178.2 b b.b2p.internal\n" in text
    # Its own containers know it by an address at which it answers them.
    assert "127.0.1.1" not in text
    peers.write_hosts("b")
    text = (tmp_path / "hosts").read_text()
    assert "127.0.1.1 b\n10.0.2.2 host.containers.internal" in text
    assert "10.178" not in text


def test_the_agent_joins_once_and_tells_what_did_not_work(
    agent: Any, peers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[int] = []

    def join(number: int) -> None:
        joined.append(number)
        if number == 3:
            raise OSError("because")

    monkeypatch.setattr(peers, "join", join)
    one = agent.main.Agent(None)
    assert one.join({}) == []
    for _ in range(2):
        assert one.join({"network": {"number": 2, "machines": {}}}) == []
    assert one.join({"network": {"number": 3, "machines": {}}}) == [
        "no way to other machines: because"
    ]
    assert joined == [2, 3]


def test_it_is_told_of_others_while_it_runs(
    agent: Any, peers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "name").write_text("a\n")
    monkeypatch.setattr(peers, "NAME", str(tmp_path / "name"))
    one = agent.main.Agent(None)
    one.handle({"do": "network", "network": {"number": 1, "machines": MACHINES}})
    assert "10.178.178.2 b b.b2p.internal" in (tmp_path / "hosts").read_text()
