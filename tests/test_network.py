"""Machines of one network: their numbers, and what each is told of the others."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from b2p import network, settings
from b2p.change import change
from b2p.clone import clone
from b2p.errors import UsageError
from b2p.status import one_machine
from b2p.store import record as records
from tests.fakes_machine import stopped_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes_story import Computer


def told(computer: Computer, name: str) -> list[dict[str, Any]]:
    """What a machine was told of its network since its start, the last word last."""
    return [one["network"] for one in computer.requests(name) if "network" in one]


def test_each_gets_a_number_and_those_that_run_are_told_of_the_new_one(computer: Computer) -> None:
    computer.up("a", network="lab")
    assert told(computer, "a")[0] == {"number": 1, "machines": {"a": 1}}
    computer.up("b", network="lab")
    both = {"a": 1, "b": 2}
    assert told(computer, "b")[0] == {"number": 2, "machines": both}
    assert told(computer, "a")[-1] == {"number": 1, "machines": both}
    assert not computer.report.warnings
    shown = one_machine(computer.layout, "b").as_json()
    assert (shown["network"], shown["address"]) == ("lab", "10.178.178.2")


def test_a_machine_of_another_network_or_of_none_is_told_nothing(computer: Computer) -> None:
    computer.up("a", network="lab")
    computer.up("c", network="other")
    computer.up("d")
    assert told(computer, "c")[-1] == {"number": 1, "machines": {"c": 1}}
    assert told(computer, "a")[-1] == {"number": 1, "machines": {"a": 1}}
    assert not told(computer, "d")
    assert "network" not in one_machine(computer.layout, "d").as_json()
    assert not [word for word in computer.record("d").command if "peer" in word]


def test_one_that_is_removed_is_forgotten_and_the_last_one_leaves_nothing(
    computer: Computer,
) -> None:
    computer.up("a", network="lab")
    computer.up("b", network="lab")
    (computer.layout.network("lab") / "1-2").touch()
    computer.remove("b", force=True)
    assert told(computer, "a")[-1] == {"number": 1, "machines": {"a": 1}}
    computer.remove("a", force=True)
    assert not computer.left()


def test_a_number_stays_with_its_machine(computer: Computer) -> None:
    computer.up("a", network="lab")
    computer.up("b", network="lab")
    computer.remove("a", force=True)
    computer.down("b")
    assert computer.up("b").record.network_number == 2
    assert computer.up("c", network="lab").record.network_number == 1


def test_a_machine_that_changes_its_network_is_unknown_in_the_old_one(computer: Computer) -> None:
    computer.up("a", network="lab")
    computer.up("b", network="lab")
    with pytest.raises(UsageError, match="machine 'b' runs"):
        set_network(computer, "b", "other")
    computer.down("b")
    set_network(computer, "b", "other")
    assert told(computer, "a")[-1]["machines"] == {"a": 1}
    assert computer.up("b").record.network_number == 1
    computer.down("b")
    assert computer.up("b", network="").record.network_number == 0
    assert not computer.layout.network("other").exists()


def set_network(computer: Computer, name: str, word: str) -> None:
    """`b2p set NAME --network WORD`."""
    wishes = settings.merged([settings.Layer("flags", {"network": word})], cores=4)
    change(name, wishes, computer.layout, computer.report, overruled={})


def test_one_that_runs_says_that_another_network_is_not_in_force(computer: Computer) -> None:
    computer.up("a", network="lab")
    computer.up("a", network="other")
    assert "network other is not in force yet" in computer.report.warnings[-1]
    assert computer.record("a").network == "lab"


def test_a_clone_gets_a_number_of_its_own_and_wakes_up_with_it(computer: Computer) -> None:
    computer.up("a", network="lab")
    computer.suspend("a")
    clone("a", "b", computer.layout, computer.report)
    assert computer.record("b").network_number == 0
    assert computer.up("b").record.network_number == 2
    assert "goes on" in computer.report.notes[-1]
    assert told(computer, "b")[0] == {"number": 2, "machines": {"a": 1, "b": 2}}


def test_a_number_that_was_taken_in_between_is_given_up(computer: Computer) -> None:
    computer.up("a", network="lab")
    computer.down("a")
    stopped_machine(computer.layout, "b", network="lab", network_number=1)
    record = computer.up("a").record
    assert record.network_number == 2
    assert f"{computer.layout.network('lab')}/1-2" in " ".join(record.command).replace(",,", ",")


def test_a_number_taken_while_the_image_is_made_is_given_up_too(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = computer.all

    def meanwhile(digest: str = "") -> Any:
        stopped_machine(computer.layout, "b", network="lab", network_number=1)
        return planned(digest)

    monkeypatch.setattr(computer, "all", meanwhile)
    record = computer.up("a", network="lab").record
    assert record.network_number == 2
    assert told(computer, "a")[0]["number"] == 2
    cable = next(word for word in record.command if "id=peer1" in word)
    assert cable.endswith("/2-1")


def test_a_full_network_is_told_before_anything_is_fetched(computer: Computer) -> None:
    for number in range(1, 9):
        stopped_machine(computer.layout, f"m{number}", network="lab", network_number=number)
    with pytest.raises(UsageError, match="room for no more"):
        computer.up("a", network="lab")
    assert not computer.asked_for
    assert not computer.files("a").home.exists()


def test_a_record_that_is_broken_hides_nobody(computer: Computer) -> None:
    stopped_machine(computer.layout, "a", network="lab", network_number=1)
    stopped_machine(computer.layout, "b", network="lab", network_number=2)
    computer.files("a").record.write_text("{")
    assert network.members(computer.layout, "lab") == {"b": 2}


def test_a_throwaway_machine_is_in_no_network(computer: Computer) -> None:
    layout = computer.layout.throwaway()
    record = stopped_machine(computer.layout, "a", network="lab", network_number=1)
    assert network.numbered(record, layout).network == ""
    assert network.numbered(replace(record, network=""), computer.layout).network_number == 0


@contextmanager
def at_its_port(computer: Computer, answer: bytes) -> Iterator[socket.socket]:
    """Somebody who answers (nothing: not at all) at the control port of machine a."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(computer.files("a").control))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer, peer.makefile() as lines:
                number = json.loads(lines.readlines(20)[-1])["id"]
                peer.sendall(answer.replace(b"ID", str(number).encode()))

        thread = threading.Thread(target=serve, daemon=True)
        if answer:
            thread.start()
        yield listener


def test_a_machine_that_refuses_to_be_told_is_named(computer: Computer) -> None:
    record = stopped_machine(computer.layout, "a", network="lab", network_number=1)
    with at_its_port(computer, b'{"id": ID, "ok": false, "error": "never heard of it"}\n'):
        network.introduce(computer.layout, record, computer.report)
    (warning,) = computer.report.warnings
    assert "machine 'a' was not told of its network 'lab'" in warning
    assert "never heard of it" in warning


def test_what_a_busy_machine_is_told_waits_at_its_port(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "TELL_SECONDS", 0.1)
    record = stopped_machine(computer.layout, "a", network="lab", network_number=1)
    with at_its_port(computer, b"") as listener:
        network.introduce(computer.layout, record, computer.report)
        # Whoever was there before has gone: QEMU accepts the next one, and reads what it said.
        peer, _ = listener.accept()
        with peer, peer.makefile() as lines:
            assert json.loads(lines.read().strip())["network"]["machines"] == {"a": 1}
    assert not computer.report.warnings


def test_an_image_of_before_networks_is_told(computer: Computer) -> None:
    computer.up("a", network="lab", fault="old")
    assert "knows of no networks" in computer.report.warnings[0]


def test_peers_are_not_asked_for_by_a_proxy(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setattr("b2p.surroundings.deaf_proxies", lambda _: ())
    stopped_machine(computer.layout, "b", network="lab", network_number=2)
    computer.up("a", network="lab")
    (proxies,) = [one["proxies"] for one in computer.requests("a") if "proxies" in one]
    assert proxies["no_proxy"].endswith(",.b2p.internal,a,b")


@pytest.mark.parametrize("wrong", ["Lab", "my net", "-", "x" * 41])
def test_a_network_has_a_name_as_machines_have(wrong: str) -> None:
    with pytest.raises(UsageError, match="network cannot be"):
        settings.merged([settings.Layer("flags", {"network": wrong})], cores=1)


def test_none_is_the_word_for_no_network() -> None:
    layer = settings.environment_layer({"B2P_NETWORK": "none"})
    assert settings.merged([layer], cores=1).network == ""
    assert records.Record.__dataclass_fields__["network"].default == ""
