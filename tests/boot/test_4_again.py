"""Down and up again, by will and by accident: what is kept, what comes back, what has changed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import B2P, await_true

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.boot

QUADLET = f"""\
[Container]
ContainerName=quadlet
Image={BUSYBOX}
Exec=sleep 1000
[Install]
WantedBy=multi-user.target
"""
DISK_GIB = 120


def test_a_restart_keeps_data_and_brings_back_what_should_run(
    docker: Docker, machine: Person
) -> None:
    write = "echo written > /data/file; exec sleep 1000"
    volume = ("-v", "lasting:/data")
    docker("run", "-d", "--name", "comes", "--restart", "always", BUSYBOX, "sleep", "1000")
    docker("run", "-d", "--name", "stays", *volume, BUSYBOX, "sh", "-c", write)
    machine.inside(f"printf %s {shlex.quote(QUADLET)} > /etc/containers/systemd/q.container")
    machine.b2p("ssh", "--", "echo mine > ~/note")
    key = machine.inside("cat /etc/machine-id /run/b2p/ssh_host_ed25519_key")

    machine.b2p("down")
    assert machine.processes() == []
    assert machine.state() == "stopped"
    assert "is not running" in machine.b2p("down").err
    assert not [path for path in (machine.home / ".b2p").rglob("*") if path.is_socket()]

    machine.b2p("up", "--memory", "1536MiB", "--disk", f"{DISK_GIB}GiB")
    try:
        await_true("restart=always", lambda: docker.is_running("comes"))
        await_true("the quadlet", lambda: docker.is_running("quadlet"))
        assert docker.state("stays")["Status"] == "exited"
        assert docker("run", "--rm", *volume, BUSYBOX, "cat", "/data/file") == "written"
        docker("start", "stays")
        assert docker.is_running("stays")
        assert machine.b2p("ssh", "--", "cat ~/note").out == "mine\n"
        assert machine.inside("cat /etc/machine-id /run/b2p/ssh_host_ed25519_key") == key
        _assert_new_sizes(machine)
    finally:
        machine.inside("rm /etc/containers/systemd/q.container; systemctl stop q.service || true")
        docker.remove("comes", "stays")
        docker("volume", "rm", "-f", "lasting")


def _assert_new_sizes(machine: Person) -> None:
    assert machine.facts()["memory"] == "1536MiB"
    kilobytes = int(machine.inside("grep MemTotal /proc/meminfo").split()[1])
    assert 1300 << 10 < kilobytes < 1536 << 10
    blocks = int(machine.inside("df --output=size -B1 /var/lib/containers | tail -1"))
    # The filesystem's own tables take some of it.
    assert blocks > (DISK_GIB - 6) << 30


def test_a_qemu_that_was_killed_costs_nothing_that_was_on_the_disk(
    docker: Docker, machine: Person
) -> None:
    volume = ("-v", "hardy:/data")
    docker("run", "--rm", *volume, BUSYBOX, "sh", "-c", "echo safe > /data/file; sync")
    qemu = machine.qemu()
    assert qemu
    qemu.kill()
    await_true("its end", lambda: machine.qemu() is None)
    assert machine.state() == "stopped"
    machine.b2p("up")
    try:
        assert docker("run", "--rm", *volume, BUSYBOX, "cat", "/data/file") == "safe"
    finally:
        docker("volume", "rm", "-f", "hardy")


def test_a_machine_that_powers_itself_off_is_seen_as_stopped(machine: Person) -> None:
    machine.b2p("ssh", "--", "sudo systemctl poweroff", status=None)
    await_true("its end", lambda: machine.qemu() is None)
    assert machine.state() == "stopped"
    said = machine.b2p("ssh", "--", "true", status=2)
    assert said.err.splitlines()[0] == "b2p: machine 'default' is not running"


def test_a_machine_outlives_the_terminal_that_started_it(
    person: Person, first_up: str, docker_cli: Path
) -> None:
    person.b2p("down")
    line = f"{shlex.quote(str(B2P))} up && echo '<''up>'; sleep 1000"
    terminal = pexpect.spawn(
        "bash", ["-c", line], env=person.environment, timeout=600, encoding="utf-8"
    )
    terminal.expect_exact("<up>")
    # The window is closed: whatever has this terminal gets SIGHUP, and dies if it did not let go.
    terminal.close(force=True)
    await_true("the shell's end", lambda: len(person.processes()) == 1)
    assert person.state() == "running"
    assert Docker(docker_cli, person)("ps", "-q") == ""
