"""Machines that begin from golden states: each its own, as after a boot, and quickly there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import await_true

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.speed

TWINS = ("one", "two")
WHO = {
    "machine-id": "cat /etc/machine-id",
    "name": "uname -n",
    "ssh host key": "cat /run/b2p/ssh_host_ed25519_key",
    "randomness": "cat /proc/sys/kernel/random/uuid",
    "journal": "journalctl -q --no-pager -n 1 -o export | head -1; ls /run/log/journal | head -1",
}


@pytest.fixture(scope="module")
def twins(person: Person) -> Iterator[Person]:
    """Two new machines that begin at the same moment, from a state that is there then."""
    person.b2p("up", "first")
    person.b2p("rm", "-f", "first")
    both = [person.begin("up", name) for name in TWINS]
    for begun in both:
        _, said = begun.communicate(timeout=600)
        assert begun.returncode == 0, said
        assert "kept for the next ones" not in said
    yield person
    person.b2p("rm", "-f", *TWINS, status=None)


def test_nothing_of_one_is_the_others(twins: Person) -> None:
    for what, line in WHO.items():
        said = [twins.inside(line, name=name) for name in TWINS]
        assert all(said), what
        assert said[0] != said[1], what
    assert [twins.inside("uname -n", name=name).strip() for name in TWINS] == [*TWINS]


def test_each_knows_what_time_it_is(twins: Person) -> None:
    for name in TWINS:
        before = time.time()
        told = float(twins.inside("date +%s.%N", name=name))
        assert before - 1 < told < time.time() + 1


def test_its_console_shows_how_it_booted(twins: Person) -> None:
    assert "b2p: stage: starting systemd" in twins.b2p("logs", "one").out


def test_only_qemu_runs(twins: Person) -> None:
    pids = {twins.facts(name)["pid"] for name in TWINS}
    assert {one.pid for one in twins.processes()} == pids


def test_a_stopped_machine_finds_its_data_and_its_containers(
    twins: Person, docker_cli: Path, busybox_tar: bytes
) -> None:
    docker = Docker(docker_cli, twins, name="one")
    docker.load_busybox(busybox_tar, BUSYBOX)
    docker("run", "-d", "--name", "stays", "--restart", "always", BUSYBOX, "sleep", "9999")
    docker("run", "-d", "--name", "goes", BUSYBOX, "sleep", "9999")
    twins.b2p("ssh", "one", "--", "echo kept > ~/note")
    before = twins.inside(WHO["machine-id"], name="one")
    for _ in range(2):
        twins.b2p("down", "one")
        twins.b2p("up", "one")
        await_true("running again", lambda: docker.is_running("stays"))
        assert not docker.is_running("goes")
        assert twins.b2p("ssh", "one", "--", "cat ~/note").out == "kept\n"
        assert twins.inside(WHO["machine-id"], name="one") == before


def test_a_larger_disk_is_grown_into(twins: Person) -> None:
    twins.b2p("down", "two")
    twins.b2p("up", "two", "--disk", "120GiB")
    size = int(twins.inside("df -B1 --output=size /data | tail -1", name="two"))
    assert size > 110 << 30


def test_a_machine_begun_so_is_suspended_and_resumed(twins: Person) -> None:
    sleeper = twins.inside(
        "cd /; echo written > /root/mark; sleep 9999 </dev/null >/dev/null 2>&1 & echo $!",
        name="one",
    )
    twins.b2p("suspend", "one")
    twins.b2p("up", "one")
    assert twins.inside(f"cat /proc/{sleeper.strip()}/comm", name="one") == "sleep\n"
    assert twins.inside("cat /root/mark", name="one") == "written\n"
    # What lies in memory is what lay there, all of it.
    assert (
        twins.inside(
            "journalctl --verify >/dev/null 2>&1; podman info >/dev/null; echo ok", name="one"
        )
        == "ok\n"
    )


def test_a_clone_goes_on_as_somebody_else(twins: Person) -> None:
    sleeper = twins.inside(
        "cd /; sleep 9999 </dev/null >/dev/null 2>&1 & echo $!", name="one"
    ).strip()
    twins.b2p("suspend", "one")
    twins.b2p("clone", "one", "three")
    try:
        assert "goes on after" in twins.b2p("up", "three").err
        assert "goes on after" in twins.b2p("up", "one").err
        for name in ("one", "three"):
            assert twins.inside(f"cat /proc/{sleeper}/comm", name=name) == "sleep\n"
            assert twins.inside("cat /root/mark", name=name) == "written\n"
        for what, line in WHO.items():
            said = {twins.inside(line, name=name) for name in ("one", "three")}
            assert len(said) == 2, what
    finally:
        twins.b2p("rm", "-f", "three", status=None)
