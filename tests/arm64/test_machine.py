"""An arm64 machine, emulated where the computer is another: the life of one, in order."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from b2p import firmware
from b2p.host import accelerator, computer
from b2p.machine import ports
from b2p.machine.architecture import accelerator_options
from b2p.ways.foreign.waiting import leading
from tests.boot.engine import BUSYBOX, Docker
from tests.conftest import busybox_root

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person
    from tests.debian_tools import Tools

pytestmark = pytest.mark.arm64

NAME = "arm"
LED = 8123
"""A port of the guest's, and of this computer's."""
RUN = """
set -e
"$0" import - localhost/busybox <"$1" >/dev/null
"$0" run --rm localhost/busybox uname -m
exit 7
"""


@pytest.fixture(scope="session")
def docker_cli(tools: Tools) -> Path:
    """Docker's own command line."""
    return tools.program("usr/bin/docker", "docker-cli")


@pytest.fixture(scope="session")
def busybox_arm64(tools: Tools) -> bytes:
    """A root directory of Debian's busybox-static for arm64, as a tar."""
    return busybox_root(tools, "arm64")


@pytest.fixture(scope="session")
def image(person: Person) -> str:
    """The digest of b2p's image for arm64, built now."""
    said = person.b2p("image", "build", "--arch", "arm64")
    # The same packages make the same bytes: else this b2p warns.
    assert "report this" not in said.err
    return said.out.strip()


@pytest.fixture(scope="session")
def first_up(person: Person, image: str) -> str:
    """What `b2p up` said the first time."""
    return person.b2p("up", NAME, "--arch", "arm64").err


@pytest.fixture
def machine(person: Person, first_up: str) -> Person:
    """The person, whose arm64 machine runs."""
    assert "is up after" in first_up
    return person


@pytest.fixture
def docker(machine: Person, docker_cli: Path, busybox_arm64: bytes) -> Docker:
    """Docker's command line at the machine, which has the busybox image."""
    client = Docker(docker_cli, machine, NAME)
    client.have_busybox(busybox_arm64)
    return client


def qemu_of(machine: Person) -> list[str]:
    """The words that start the QEMU of the machine, without options."""
    command: list[str] = machine.facts(NAME)["decided"]["command"]
    return command[: command.index("-name")]


def facts_of(person: Person) -> dict[str, Any]:
    """What `b2p status` tells programs."""
    found: dict[str, Any] = json.loads(person.b2p("status", NAME, "--json").out)
    return found


def test_its_image_is_made_of_debians_packages_for_arm64(person: Person, image: str) -> None:
    found = json.loads(person.b2p("image", "inspect", image).out)["image"]
    assert (found["arch"], found["current"]) == ("aarch64", True)
    kernels = [one["name"] for one in found["packages"] if one["name"].startswith("linux-image-")]
    assert kernels
    assert all(name.endswith("arm64") for name in kernels)


def test_a_container_says_aarch64_to_podman_and_to_docker(machine: Person, docker: Docker) -> None:
    run = ("run", "--rm", BUSYBOX, "uname", "-m")
    assert docker(*run) == "aarch64"
    assert machine.b2p("podman", "-m", NAME, *run).out == "aarch64\n"
    assert docker("version", "--format", "{{.Server.Arch}}") == "arm64"
    assert docker("image", "inspect", BUSYBOX, "--format", "{{.Architecture}}") == "arm64"


def test_it_is_told_apart_and_keeps_what_it_is(machine: Person, first_up: str, image: str) -> None:
    found = facts_of(machine)
    assert (found["arch"], found["image"], found["answers"]) == ("aarch64", image, True)
    assert "is running" in machine.b2p("up", NAME).err
    said = machine.b2p("up", NAME, "--arch", "amd64", status=2).err
    assert "is an aarch64 one" in said
    assert "--arch x86_64" in said
    if computer.arch() != "aarch64":
        assert "emulates it" in first_up
        assert "warning" not in first_up
        row = machine.b2p("ls").out.splitlines()[1]
        assert row.split()[0] == NAME
        assert row.endswith("aarch64")


def test_it_goes_on_where_it_was_suspended(machine: Person, docker: Docker) -> None:
    docker("run", "-d", "--name", "c", BUSYBOX, "sleep", "1d")
    try:
        before = docker.state("c")
        machine.b2p("suspend", NAME)
        assert machine.processes() == []
        assert "goes on after" in machine.b2p("up", NAME).err
        after = docker.state("c")
        assert after["Running"]
        assert (after["Pid"], after["StartedAt"]) == (before["Pid"], before["StartedAt"])
    finally:
        docker.remove("c")


def test_stopped_it_begins_from_a_golden_state_with_its_data(
    machine: Person, docker: Docker
) -> None:
    machine.b2p("ssh", NAME, "--root", "--", "echo kept > /root/note")
    # The first start of a stopped one leaves the state, the second begins from it.
    for _ in range(2):
        machine.b2p("down", NAME)
        said = machine.b2p("up", NAME).err
    assert "kept for the next ones" not in said
    assert machine.inside("cat /root/note; uname -m", name=NAME) == "kept\naarch64\n"
    assert docker("run", "--rm", BUSYBOX, "uname", "-m") == "aarch64"


def test_what_serves_other_images_serves_there(machine: Person) -> None:
    """b2p's own forwarder, as guests of other families get it, leads to an engine of podman's."""
    service = "podman system service --time 0 unix:///run/other.sock"
    machine.inside(f"systemd-run --quiet --unit other {service}", name=NAME)
    ready = "until [ -S /run/other.sock ]; do sleep 0.2; done"
    words = shlex.join(["docker", "/run/other.sock", str(LED), ports.GUEST, ports.GATEWAY])
    line = f"{ready}; sh -s -- {words}"
    script = leading("aarch64").decode()
    machine.b2p("ssh", NAME, "--root", "--", line, stdin=script)
    machine.b2p("port", "add", "-m", NAME, f"{LED}:{LED}")
    for _ in range(2):
        with urllib.request.urlopen(f"http://127.0.0.1:{LED}/_ping", timeout=120) as answer:
            assert answer.read() == b"OK"
    # Whoever is not the gateway is hung up on.
    refused = (
        f"exec 3<>/dev/tcp/{ports.GUEST}/{LED} && printf 'GET /_ping HTTP/1.0\\r\\n\\r\\n' >&3"
    )
    said = machine.b2p("ssh", NAME, "--root", "--", f"bash -c {shlex.quote(refused + '; cat <&3')}",
                       status=None)  # fmt: skip
    assert "OK" not in said.out


@pytest.mark.parametrize("version", ["2", "3", "max"])
def test_the_proof_of_an_accelerator_passes_with_each_interrupt_controller(
    machine: Person, version: str
) -> None:
    """Under emulation: KVM has a 2 for it where the computer has no other."""
    verdict = accelerator.VERDICTS["aarch64"]
    options = ["-machine", f"virt,gic-version={version}", *accelerator_options("aarch64", "tcg")]
    bare = ["-nodefaults", "-no-user-config", "-display", "none", "-m", "64", "-no-reboot"]
    payload = ["-kernel", str(firmware.file("probe/aarch64.bin"))]
    ended = subprocess.run(
        [*qemu_of(machine), *options, *bare, *verdict.options, *payload],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    assert (ended.returncode, verdict.said in ended.stdout) == (verdict.status, True)


def test_a_throwaway_engine_is_of_that_architecture_too(
    person: Person, first_up: str, docker_cli: Path, busybox_arm64: bytes
) -> None:
    root = person.home / "root.tar"
    root.write_bytes(busybox_arm64)
    command = ("sh", "-c", RUN, str(docker_cli), str(root))
    said = person.b2p("scratch", "--arch", "arm64", "--", *command, status=7)
    assert said.out == "aarch64\n"
