"""A machine without a control port: what it takes its identity from, and what it makes of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from b2p.machine import ports

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lonely(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A guest where all that acts is written down instead, in order."""
    said: list[object] = []
    words = tmp_path / "cmdline"
    words.write_text(f"quiet {ports.STANDALONE}\n")
    monkeypatch.setattr(agent.alone, "WORDS", str(words))
    monkeypatch.setattr(agent.known, "RUN", str(tmp_path / "known"))
    monkeypatch.setattr(agent.seed, "read", agent.seed.Told)
    for module, name in (
        (agent.comfort, "raise_limits"),
        (agent.hardware, "load"),
        (agent.hardware, "watch"),
        (agent.network, "begin"),
        (agent.identity, "wake_containers"),
        (agent.power, "settle"),
        (agent.alone, "_wait_for_the_button"),
    ):
        monkeypatch.setattr(module, name, lambda name=name: said.append(name))
    monkeypatch.setattr(agent.volumes, "data", lambda: None)
    monkeypatch.setattr(agent.known, "host_keys", lambda: {"ssh_host_ed25519_key": "made"})
    monkeypatch.setattr(agent.partition, "grow", lambda device: said.append(("grow", device)))

    def bring(_say: object, device: str | None, *, blank: bool = False) -> None:
        said.append(("disk", device, blank))

    def apply(request: dict[str, Any], *, gateway: bool) -> None:
        said.append(("identity", request, gateway))

    def admit(told: Any, keys: list[str]) -> None:
        said.append(("admit", [*told.keys, *keys]))

    def begin(*, standalone: bool, keyed: bool, problems: list[str]) -> None:
        said.append(("consoles", standalone, keyed, problems))

    monkeypatch.setattr(agent.disk, "bring", bring)
    monkeypatch.setattr(agent.identity, "apply", apply)
    monkeypatch.setattr(agent.seed, "admit", admit)
    monkeypatch.setattr(agent.consoles, "begin", begin)

    def serve() -> list[object]:
        agent.alone.serve(lambda: said.append("ready"))
        return said

    return SimpleNamespace(serve=serve, words=words, said=said)


def test_with_nothing_to_tell_it_a_machine_is_up_from_memory(lonely: Any) -> None:
    said = lonely.serve()
    assert said.index("load") < said.index(("disk", None, False)) < said.index("ready")
    (identity,) = (one for one in said if one[0] == "identity")
    assert identity[1]["name"] == "b2p"
    assert identity[1]["host_keys"] == {"ssh_host_ed25519_key": "made"}
    assert identity[2] is False
    assert ("consoles", True, False, []) in said
    assert said[-1] == "_wait_for_the_button"


def test_one_that_b2p_booted_leaves_hardware_and_network_as_they_are(lonely: Any) -> None:
    lonely.words.write_text("quiet\n")
    said = lonely.serve()
    assert not {"load", "begin", "watch"} & {one for one in said if isinstance(one, str)}
    (identity,) = (one for one in said if one[0] == "identity")
    assert identity[2] is True


def test_a_format_me_disk_is_made_new_and_its_keys_are_let_in(
    agent: Any, lonely: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = agent.volumes.Data("/dev/vdb", is_new=True)
    monkeypatch.setattr(agent.volumes, "data", lambda: found)
    monkeypatch.setattr(agent.volumes, "keys", lambda _data: ["ssh-ed25519 AAAA me"])
    said = lonely.serve()
    assert said.index(("grow", "/dev/vdb")) < said.index(("disk", "/dev/vdb", True))
    assert ("admit", ["ssh-ed25519 AAAA me"]) in said
    assert ("consoles", True, True, []) in said


def test_a_disk_that_cannot_be_used_is_told_and_done_without(
    agent: Any, lonely: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def data() -> None:
        raise agent.disk.UnusableError("the data disk holds something that is not ext4")

    monkeypatch.setattr(agent.volumes, "data", data)
    said = lonely.serve()
    assert ("disk", None, False) in said
    assert said[-3:] != []
    (consoles,) = (one for one in said if one[0] == "consoles")
    assert consoles[3] == [
        "nothing is kept: the data disk holds something that is not ext4",
    ]


def test_a_seed_that_cannot_be_read_is_told(
    agent: Any, lonely: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> None:
        raise ValueError("it is not YAML of keys and values")

    monkeypatch.setattr(agent.seed, "read", read)
    (consoles,) = (one for one in lonely.serve() if one[0] == "consoles")
    assert consoles[3] == ["the seed is not read: it is not YAML of keys and values"]


def test_who_it_is_it_keeps(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent.known, "RUN", str(tmp_path / "known"))
    first = agent.known.machine_id()
    assert len(bytes.fromhex(first)) == 16
    assert agent.known.machine_id() == first
    assert agent.known.keys([]) == []
    assert agent.known.keys(["ssh-ed25519 A a", "ssh-ed25519 B b"])[0] == "ssh-ed25519 A a"
    assert agent.known.keys([]) == ["ssh-ed25519 A a", "ssh-ed25519 B b"]


def test_what_the_console_says(agent: Any) -> None:
    text = agent.consoles.text(["192.168.1.5"], keyed=True, problems=["one thing"])
    assert "ssh core@192.168.1.5\n" in text
    assert "ssh://root@192.168.1.5/run/podman/podman.sock" in text
    assert "one thing\n" in text
    assert "key" not in text
    assert "/run/b2p/keys/root" in agent.consoles.text([], keyed=False, problems=[])


def test_a_serial_port_without_hardware_is_none(
    agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "serial"
    monkeypatch.setattr(agent.consoles, "SERIAL", str(table))
    assert agent.consoles.serial_ports() == []
    table.write_text("serinfo:1.0 driver revision:\n0: uart:unknown port:000003F8 irq:4\n")
    assert agent.consoles.serial_ports() == []
    table.write_text("serinfo:1.0 driver revision:\n0: uart:16550A port:000003F8 irq:4 tx:0 rx:0\n")
    assert agent.consoles.serial_ports() == ["ttyS0"]
