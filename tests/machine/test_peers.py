"""Links from each machine of a network to each, and their numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from b2p.errors import UsageError
from b2p.golden import neutral
from b2p.machine import peers, ports
from b2p.machine.argv import argv
from b2p.machine.model import Link
from b2p.machine.state import fields
from tests.machine.test_argv import MACHINE


def of(number: int) -> list[str]:
    """QEMU's words for the machine of that number."""
    return argv(replace(MACHINE, links=peers.links(number, "/r/n,1")))


def test_a_machine_has_a_link_to_each_number_its_own_without_a_cable_included() -> None:
    words = of(2)
    near, far = "local.type=unix,local.path=/r/n,,1/1-2", "remote.type=unix,remote.path=/r/n,,1/2-1"
    assert words[words.index("-netdev", words.index("-netdev") + 1) :][:8] == [
        "-netdev",
        f"dgram,id=peer1,{near},{far}",
        "-device", "virtio-net-pci,netdev=peer1,mac=52:54:00:b2:b1:01,romfile=",
        "-netdev", "hubport,id=peer2,hubid=2",
        "-device", "virtio-net-pci,netdev=peer2,mac=52:54:00:b2:b1:02,romfile=",
    ]  # fmt: skip


def test_each_hears_where_the_other_one_sends() -> None:
    for one in peers.NUMBERS:
        for other in set(peers.NUMBERS) - {one}:
            (here,) = [link for link in peers.links(one, "/n") if link.peer == other]
            (there,) = [link for link in peers.links(other, "/n") if link.peer == one]
            assert (here.path, here.peer_path) == (there.peer_path, there.path)
            assert here.path != there.path


def test_a_machine_in_no_network_has_no_word_of_it() -> None:
    assert of(0) == argv(MACHINE)
    assert "peer" not in " ".join(argv(MACHINE))


def test_machines_of_all_numbers_begin_from_the_same_state() -> None:
    machines = [replace(MACHINE, links=peers.links(number, "/n")) for number in (1, 8)]
    assert neutral(machines[0]) == neutral(machines[1])
    assert "/n/" not in " ".join(argv(neutral(machines[0])))
    kept = [fields(argv(one), qemu="1", processor="") for one in machines]
    assert kept[0] == kept[1]
    assert kept[0] != fields(argv(MACHINE), qemu="1", processor="")


def test_a_number_stays_where_it_can_and_the_lowest_free_one_is_next() -> None:
    assert peers.number("lab", 0, []) == 1
    assert peers.number("lab", 0, [1, 3]) == 2
    assert peers.number("lab", 3, [1, 2]) == 3
    assert peers.number("lab", 3, [1, 3]) == 2
    assert peers.number("lab", 99, [1]) == 2


def test_a_full_network_says_so() -> None:
    with pytest.raises(UsageError, match="network 'lab' has 8 machines already"):
        peers.number("lab", 1, peers.NUMBERS)


def test_numbers_are_one_digit_as_a_link_is_told_by_its_macs_last() -> None:
    assert ports.PEERS < 10
    assert peers.unplugged((Link(peer=1, path="/p", peer_path="/q"),)) == (Link(peer=1),)
    assert peers.address(3) == "10.178.178.3"
