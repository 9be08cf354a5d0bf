"""`b2p up --image` as a person types it, with guests that stand in for the families' images."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from b2p.report import SilentReport
from scripts.lib.varlink_wire import Wire
from tests.boot.person import Person, cache_home
from tests.standins import disks, isos, qcow2
from tests.standins.server import served
from tests.standins.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.debian_tools import Tools
    from tests.standins.server import Site

pytestmark = [pytest.mark.families, pytest.mark.timeout(1800)]

Seen = dict[tuple[str, str], str]

ISO = "boot2podman/boot2podman/releases/download/v0.27/boot2podman.iso"
CLOUD = "images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2"


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    return Workshop(cache_home() / "b2p", SilentReport())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A mirror with the families' own paths."""
    with served(tmp_path_factory.mktemp("mirror")) as made:
        yield made


@dataclass
class Family:
    """A person with a machine of one family, and what is seen of it."""

    person: Person
    name: str
    seen: Seen
    mirror: str

    def up(self, image: str = "") -> str:
        words = ["--image", image, "--memory", "2GiB"] if image else []
        variables = {"B2P_IMAGE_MIRROR": self.mirror}
        return self.person.b2p(
            "up", self.name, *words, "--timeout", "900", environment=variables
        ).err

    def ssh(self, line: str) -> str:
        return self.person.b2p("ssh", self.name, "--", line).out.strip()

    def saw(self, *columns: str) -> None:
        for column in columns:
            self.seen[self.name, column] = "stand-in"

    def through(self, *, user: str, engine: Callable[[], None], place: str) -> None:
        """All that holds for every family, from a machine that is up to one that came again."""
        facts = self.person.facts(self.name)
        assert facts["decided"]["family"] == self.name
        self.saw("recognised", "boots")
        assert self.ssh("id -un") == user
        self.saw("ssh", "provisioned")
        engine()
        self.saw("engine")
        self.ssh(f"echo kept | sudo tee {place}; sync")
        self.person.b2p("down", self.name)
        assert self.person.qemu(self.name) is None
        self.up()
        engine()
        self.saw("down and up")
        assert self.ssh(f"sudo cat {place}") == "kept"
        self.saw("data")
        self.person.b2p("rm", "-f", self.name)
        assert self.person.traces(self.name) == []


@pytest.fixture
def family(person: Person, seen: Seen, site: Site) -> Iterator[Callable[[str], Family]]:
    names = []

    def made(name: str) -> Family:
        names.append(name)
        return Family(person, name, seen, site.address)

    yield made
    for name in names:
        person.b2p("rm", "-f", name, status=None)


def test_boot2podman_of_2020_from_a_mirror(
    family: Callable[[str], Family], workshop: Workshop, site: Site
) -> None:
    site.publish(isos.iso(workshop, isos.TINYCORE), ISO)
    one = family("boot2podman")
    told = one.up("boot2podman")
    assert f"https://github.com/{ISO}" in told
    assert "env boot2podman --varlink" in told

    def lists_containers() -> None:
        text = one.person.b2p("env", one.name, "--varlink", "--shell", "sh").out
        address = text.partition("=")[2].strip().rstrip(";").strip("'")
        with Wire(address) as wire:
            assert wire("ListContainers") == []

    place = "/var/lib/boot2podman/mark"
    one.through(user="tc", engine=lists_containers, place=place)
    asked = [path for _, path, _ in site.requests if path.endswith(".iso")]
    assert len(asked) == 1, "the image is fetched once"


def test_real_cloud_init(
    family: Callable[[str], Family],
    workshop: Workshop,
    site: Site,
    tools: Tools,
    tmp_path: Path,
) -> None:
    packed = tmp_path / "cloud.qcow2"
    qcow2.from_raw(disks.disks(workshop).cloud, packed)
    site.publish(packed, CLOUD, sums=[".json"])
    one = family("debian")
    one.up("debian")
    status = json.loads(one.ssh("cloud-init status --wait --format json || true"))
    assert status["datasource"] == "nocloud"
    # The stand-in has no package of locales, which the real image has.
    assert [error for error in status["errors"] if "locale" not in error] == []
    one.through(user="debian", engine=lambda: docker_ps(one, tools), place="/root/mark")


def test_real_ignition(family: Callable[[str], Family], workshop: Workshop, tools: Tools) -> None:
    one = family("fedora-coreos")
    one.up(str(disks.disks(workshop).ignition))
    assert one.ssh("hostname") == "fedora-coreos"
    one.through(user="core", engine=lambda: docker_ps(one, tools), place="/var/mark")


def docker_ps(one: Family, tools: Tools) -> None:
    """Docker's own command line gets its answer through the host's socket."""
    docker = tools.program("usr/bin/docker", "docker-cli")
    socket = one.person.facts(one.name)["files"]["podman"]
    variables = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_API_VERSION": "1.44"}
    ended = subprocess.run(
        [str(docker), "ps"], env=variables, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended
    assert ended.stdout.startswith("CONTAINER ID")
