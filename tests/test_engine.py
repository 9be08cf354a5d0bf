"""Whether an engine answers: by REST, or by varlink where the host is led to that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from b2p import engine
from b2p.client import varlink
from b2p.errors import UsageError
from b2p.store import record as records
from b2p.store.layout import MachineFiles
from b2p.store.record import Record

if TYPE_CHECKING:
    from tests.fakes_story import Computer

FILES = MachineFiles(home=Path("/m"), run=Path("/r"))
RECORD = Record(
    name="old",
    uuid="u",
    image="0",
    cpus=1,
    memory_mib=1024,
    disk_bytes=1,
    family="boot2podman",
    varlink_port=4711,
)


@pytest.mark.parametrize(
    ("wish", "asked"),
    [("unix", [FILES.varlink]), ("tcp", [("127.0.0.1", 4711)]), ("off", [])],
)
def test_an_engine_of_2018_is_asked_where_the_host_is_led_to_it(
    wish: str, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    def answers(address: object, _timeout: float) -> bool:
        heard.append(address)
        return True

    monkeypatch.setattr(varlink, "answers", answers)
    assert engine.answers(replace(RECORD, varlink=wish), FILES, 0.1)
    assert heard == asked


def test_a_machine_does_not_become_one_of_another_kind(computer: Computer) -> None:
    first = computer.up()
    computer.down()
    record = computer.layout.machine("default").record
    other = replace(first.record, family="debian", pid=0)
    records.write(record, other)
    with pytest.raises(UsageError, match="is made of debian, and so is its disk"):
        computer.up(image="b2p")
    assert records.read(record) == other


def test_a_wish_that_nobody_in_the_machine_would_hold_is_refused(computer: Computer) -> None:
    with pytest.raises(UsageError, match="holds in b2p's own image only"):
        computer.up(image="debian", host_loopback=False)


def test_a_machine_with_docker_has_dockers_sockets_alone_and_keeps_it(computer: Computer) -> None:
    computer.up(engine="docker")
    files = computer.layout.machine("default")
    words = " ".join(computer.record().command)
    for socket, is_led in (
        (files.podman, True),
        (files.docker, True),
        (files.podman_core, False),
        (files.varlink, False),
    ):
        assert (f"{socket}" in words) is is_led, socket
    with pytest.raises(UsageError, match="'default' has docker, and keeps it"):
        computer.up(engine="podman")
    computer.up()
    assert computer.record().engine == "docker"


def test_quadlets_are_refused_before_anything_is_begun_with_docker(
    computer: Computer, tmp_path: Path
) -> None:
    quadlet = tmp_path / "web.container"
    quadlet.write_text("[Container]\nImage=x\n")
    with pytest.raises(UsageError, match="quadlets are podman's"):
        computer.up(engine="docker", quadlets=(str(quadlet),))
    assert not computer.layout.machine("default").home.exists()
