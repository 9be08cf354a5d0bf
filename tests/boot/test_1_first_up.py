"""From an empty home to an engine that answers, and what of it can be seen from outside."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.boot.engine import BUSYBOX, environment
from tests.boot.person import Said, opened_by_nobody

if TYPE_CHECKING:
    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.boot


def test_up_from_nothing_gives_a_socket_that_answers(first_up: str, machine: Person) -> None:
    assert "is up after" in first_up
    found = json.loads(machine.b2p("status", "--json").out)
    assert (found["schema"], found["state"], found["answers"]) == (1, "running", True)
    assert Path(found["podman_socket"]).is_socket()


def test_up_twice_leaves_the_machine_as_it_is(machine: Person) -> None:
    before = machine.facts()["pid"]
    said = machine.b2p("up")
    assert "is running" in said.err
    assert machine.facts()["pid"] == before


def test_exactly_one_process_belongs_to_a_machine(machine: Person) -> None:
    assert [one.pid for one in machine.processes()] == [machine.facts()["pid"]]
    assert machine.processes() == machine.qemus()


def test_nothing_listens_beyond_loopback(machine: Person) -> None:
    qemu = machine.qemu()
    assert qemu
    listening = [one for one in qemu.net_connections("inet") if one.status == psutil.CONN_LISTEN]
    assert [one.laddr.port for one in listening] == [machine.facts()["ssh_port"]]
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
    assert not [one for one in qemu.net_connections("udp") if one.laddr.ip != "127.0.0.1"]


def test_another_user_of_the_computer_reaches_nothing(machine: Person) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    files = machine.facts()["files"]
    paths = [files["podman"], files["qmp"], files["control"], files["record"], files["host_key"]]
    assert opened_by_nobody(paths) == Said(0, "", "")
    # The same words as the owner do get in, so it is the owner that decides.
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(files["podman"])


def test_inspect_tells_what_was_decided_and_where_the_files_are(machine: Person) -> None:
    found = machine.facts()
    assert {"schema", "name", "state", "uuid", "cpus", "memory", "disk"} <= found.keys()
    assert {"image", "ssh_port", "command", "created"} <= found["decided"].keys()
    assert "-uuid" in found["decided"]["command"]
    assert Path(found["files"]["data_disk"]).exists()


def test_ls_shows_the_machine(machine: Person) -> None:
    rows = [line.split()[:2] for line in machine.b2p("ls").out.splitlines()]
    assert ["default", "running"] in rows
    listed = json.loads(machine.b2p("ls", "--json").out)
    assert [one["name"] for one in listed["machines"]] == ["default"]


def test_env_leads_bash_to_the_socket(machine: Person) -> None:
    found = environment(machine)
    path = machine.facts()["files"]["podman"]
    assert found["CONTAINER_HOST"] == found["DOCKER_HOST"] == f"unix://{path}"
    assert found["DOCKER_API_VERSION"]


def test_env_speaks_fish(machine: Person) -> None:
    lines = machine.b2p("env", "--docker", "--shell", "fish").out.splitlines()
    path = machine.facts()["files"]["podman"]
    assert f"set -gx DOCKER_HOST 'unix://{path}';" in lines
    taken = machine.b2p("env", "--docker", "--shell", "fish", "--unset").out
    assert "set -e DOCKER_HOST;" in taken.splitlines()


def test_a_dry_run_prints_the_command_and_starts_nothing(machine: Person) -> None:
    before = [one.pid for one in machine.processes()]
    said = machine.b2p("up", "planned", "--dry-run", "--memory", "3GiB")
    assert "-name b2p-planned" in said.out
    assert "-m 3072M" in said.out
    assert [one.pid for one in machine.processes()] == before
    assert not machine.traces("planned")


def test_docker_in_the_guest_finds_the_engine_at_its_usual_place(docker: Docker) -> None:
    person = docker.person
    ask = "podman --url unix:///var/run/docker.sock version --format '{{.Server.Version}}'"
    assert person.inside(ask).startswith("5.")
    volume = "/var/run/docker.sock:/docker.sock"
    docker("run", "--rm", "-v", volume, BUSYBOX, "test", "-S", "/docker.sock")
