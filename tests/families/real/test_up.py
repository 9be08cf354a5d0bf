"""`b2p up --image` as a person types it, with guests that stand in for the families' images."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from b2p import families
from b2p.choice import marks
from b2p.families.recognise import recognise
from b2p.image import medium
from b2p.report import SilentReport
from scripts.lib.varlink_wire import Wire
from tests.boot.person import Person, cache_home
from tests.families import skeletons
from tests.standins import disks, foreign, isos, qcow2
from tests.standins.server import served
from tests.standins.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.debian_tools import Tools
    from tests.standins.server import Site

pytestmark = [pytest.mark.families, pytest.mark.timeout(1800)]

Seen = dict[tuple[str, str], str]

ISO = "boot2podman/boot2podman/releases/download/v0.27/boot2podman.iso"
DOCKER_ISO = "boot2docker/boot2docker/releases/download/v19.03.12/boot2docker.iso"
MINIKUBE_ISO = "minikube-builds/iso/23518/minikube-v1.38.0-1787403653-23518-amd64.iso"
CLOUD = "images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2"


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with contextlib.closing(Workshop(cache_home() / "b2p", SilentReport())) as made:
        yield made


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
    name_in_guest: str = ""
    """Checked where the family has a place for the machine's name."""

    def up(self, image: str = "", **variables: str) -> str:
        words = ["--image", image, "--memory", "2GiB"] if image else []
        variables["B2P_IMAGE_MIRROR"] = self.mirror
        return self.person.b2p(
            "up", self.name, *words, "--timeout", "900", environment=variables
        ).err

    def ssh(self, line: str) -> str:
        return self.person.b2p("ssh", self.name, "--", line).out.strip()

    def saw(self, *columns: str) -> None:
        for column in columns:
            self.seen[self.name, column] = "stand-in"

    def recognised(self, image: Path) -> None:
        """By what it holds, whatever it is called."""
        found = medium.examine(image, name="renamed")
        assert recognise(marks(found)).name == self.name
        self.saw("recognised")

    def is_up(self, *, user: str, engine: Callable[[], None]) -> None:
        """All that holds for every family once its machine came up."""
        facts = self.person.facts(self.name)
        assert facts["decided"]["family"] == self.name
        self.saw("boots")
        assert self.ssh("id -un") == user
        self.saw("ssh")
        if self.name_in_guest:
            assert self.ssh("hostname") == self.name_in_guest
        self.saw("provisioned")
        engine()
        self.saw("engine")

    def comes_again(self, *, engine: Callable[[], None], place: str) -> None:
        """The same machine after `down` and `up`, with its data."""
        self.ssh(f"echo kept | sudo tee {place}; sync")
        self.person.b2p("down", self.name)
        assert self.person.qemu(self.name) is None
        self.up()
        engine()
        self.saw("down and up")
        assert self.ssh(f"sudo cat {place}") == "kept"
        self.saw("data")

    def goes(self) -> None:
        """Without a trace."""
        self.person.b2p("rm", "-f", self.name)
        assert self.person.traces(self.name) == []

    def through(self, *, user: str, engine: Callable[[], None], place: str) -> None:
        """From a machine that is up to one that came again, and went."""
        self.is_up(user=user, engine=engine)
        self.comes_again(engine=engine, place=place)
        self.goes()


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
    disc = isos.iso(workshop, isos.TINYCORE)
    site.publish(disc, ISO)
    one = family("boot2podman")
    one.recognised(disc)
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
    one.recognised(packed)
    one.up("debian")
    status = json.loads(one.ssh("cloud-init status --wait --format json || true"))
    assert status["datasource"] == "nocloud"
    # The stand-in has no package of locales, which the real image has.
    assert [error for error in status["errors"] if "locale" not in error] == []
    one.through(user="debian", engine=lambda: docker_ps(one, tools), place="/root/mark")


def test_real_ignition(family: Callable[[str], Family], workshop: Workshop, tools: Tools) -> None:
    one = family("fedora-coreos")
    image = disks.disks(workshop).ignition
    one.recognised(image)
    one.up(str(image))
    one.name_in_guest = "fedora-coreos"
    told = one.person.b2p("suspend", one.name, status=2).err
    assert "whose guest cannot be told to rest" in told
    assert "b2p down fedora-coreos" in told
    one.through(user="core", engine=lambda: docker_ps(one, tools), place="/var/mark")


def test_real_ignition_by_flatcars_name(
    family: Callable[[str], Family], workshop: Workshop, tools: Tools
) -> None:
    one = family("flatcar")
    image = disks.disks(workshop).variant("flatcar")
    one.recognised(image)
    one.up(str(image))
    one.name_in_guest = "flatcar"
    one.through(user="core", engine=lambda: docker_ps(one, tools), place="/var/mark")


@pytest.mark.parametrize("name", ["ubuntu", "fedora"])
def test_real_cloud_init_of_another_family(
    family: Callable[[str], Family], workshop: Workshop, tools: Tools, name: str
) -> None:
    one = family(name)
    image = disks.disks(workshop).variant(name)
    one.recognised(image)
    one.up(str(image), https_proxy="http://localhost:3128", no_proxy="127.0.0.1")
    one.name_in_guest = name
    one.is_up(user=name, engine=lambda: docker_ps(one, tools))
    assert "HTTPS_PROXY=http://10.0.2.2:3128" in one.ssh("systemctl show-environment")
    one.goes()


def test_a_disk_that_nobody_knows_and_that_boots_by_uefi_alone(
    family: Callable[[str], Family], workshop: Workshop, tools: Tools
) -> None:
    one = family("generic")
    image = disks.disks(workshop).variant("generic")
    one.recognised(image)
    one.up(str(image))
    one.name_in_guest = "generic"
    assert one.ssh("ls -d /sys/firmware/efi") == "/sys/firmware/efi"
    place = "/root/mark"
    one.through(user="core", engine=lambda: docker_ps(one, tools), place=place)


@pytest.mark.quick
def test_a_live_cd_that_nobody_knows_is_told_on_its_console(
    family: Callable[[str], Family], workshop: Workshop, tools: Tools
) -> None:
    one = family("generic-iso")
    disc = isos.iso(workshop, isos.LIVE)
    one.recognised(disc)
    one.up(str(disc))
    one.name_in_guest = "generic-iso"
    one.is_up(user="root", engine=lambda: docker_ps(one, tools))
    one.goes()


@pytest.mark.quick
def test_boot2docker_without_systemd_and_socat(
    family: Callable[[str], Family], workshop: Workshop, site: Site, tools: Tools
) -> None:
    disc = isos.iso(workshop, isos.BOOT2DOCKER)
    site.publish(disc, DOCKER_ISO)
    one = family("boot2docker")
    one.recognised(disc)
    one.up("boot2docker")
    place = "/var/lib/boot2docker/mark"
    one.through(user="docker", engine=lambda: docker_ps(one, tools), place=place)


def test_minikube(
    family: Callable[[str], Family], workshop: Workshop, site: Site, tools: Tools
) -> None:
    disc = isos.iso(workshop, isos.MINIKUBE)
    site.publish(disc, MINIKUBE_ISO, sums=[".sha256"])
    one = family("minikube")
    one.recognised(disc)
    one.up("minikube")
    one.name_in_guest = "minikube"
    place = "/var/lib/boot2docker/mark"
    one.through(user="docker", engine=lambda: docker_ps(one, tools), place=place)


@pytest.mark.quick
def test_a_guest_that_is_silent_is_shown(person: Person, workshop: Workshop) -> None:
    """memtest86+'s CD says nothing on a serial port, and lets nobody in."""
    memtest = foreign.foreign(workshop).memtest
    told = person.b2p("up", "dumb", "--image", str(memtest), "--timeout", "60", status=125).err
    assert "its serial console is silent" in told
    (picture,) = re.findall(r"screen shows this: (\S+\.png)", told)
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
    assert person.traces("dumb") == []


@pytest.mark.quick
@pytest.mark.parametrize("name", [*skeletons.ISOS, *skeletons.RELEASES, *skeletons.LOADERS])
def test_each_family_is_recognised(seen: Seen, tmp_path: Path, name: str) -> None:
    image = tmp_path / "image"
    image.write_bytes(skeletons.image(name, tmp_path))
    assert recognise(marks(medium.examine(image, name="renamed"))).name == name
    seen[name, "recognised"] = "stand-in"


@pytest.mark.quick
def test_the_records_say_what_was_seen(seen: Seen) -> None:
    booted = {name: how for (name, column), how in seen.items() if column == "boots"}
    assert booted == {name: families.by_name(name).tried for name in booted}


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
