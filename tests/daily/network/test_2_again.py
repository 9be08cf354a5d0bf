"""A machine that was away is found again where it was."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX
from tests.boot.person import await_true
from tests.daily.network.test_1_known import from_container
from tests.daily.ports.reach import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.daily


@pytest.fixture
def serving(docker_of: Callable[[str], Docker]) -> None:
    """Both serve, from whenever they are up."""
    for name in ("a", "b"):
        client = docker_of(name)
        if not client.state("web"):
            serve(client, "web", f"from-{name}", "--restart", "always", "-p", "8080:80")


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("way", ["down", "suspend"])
def test_one_that_was_down_or_asleep_is_found_again(
    lab: Person, docker_of: Callable[[str], Docker], serving: None, name: str, way: str
) -> None:
    other = "ab".replace(name, "")
    # A container that runs all the time, in the one that stays.
    docker_of(other)("run", "-d", "--name", "asks", BUSYBOX, "sleep", "1000")
    ask = ("exec", "asks", "wget", "-T", "20", "-q", "-O", "-", f"http://{name}:8080/")
    try:
        await_true("its word", lambda: docker_of(other).run(*ask, status=None).out)
        lab.b2p(way, name)
        assert docker_of(other).run(*ask, status=None).status
        said = lab.b2p("up", name).err
        assert ("goes on" in said) == (way == "suspend")
        await_true(
            "its word again",
            lambda: docker_of(other).run(*ask, status=None).out.strip() == f"from-{name}",
        )
    finally:
        docker_of(other).remove("asks")


def test_one_that_was_killed_is_found_again(
    lab: Person, docker_of: Callable[[str], Docker], serving: None
) -> None:
    qemu = lab.qemu("b")
    assert qemu is not None
    qemu.kill()
    qemu.wait(30)
    assert from_container(docker_of("a"), "b:8080") == ""
    lab.b2p("up", "b")
    await_true("its word again", lambda: from_container(docker_of("a"), "b:8080") == "from-b")


def test_one_that_stands_still_holds_nobody_up(
    lab: Person, docker_of: Callable[[str], Docker], serving: None
) -> None:
    asleep = lab.qemu("b")
    assert asleep is not None
    flood = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    flood += "s.setblocking(False)\nfor n in range(3000):\n"
    flood += " try: s.sendto(bytes(1400), ('10.178.178.2', 9))\n except OSError: pass"
    asleep.suspend()
    try:
        lab.inside(f'python3 -c "{flood}"', name="a")
        assert lab.state("a") == "running"
        assert docker_of("a")("ps").startswith("CONTAINER ID")
    finally:
        asleep.resume()
    await_true("its word", lambda: from_container(docker_of("a"), "b:8080") == "from-b")


def test_a_clone_of_one_that_sleeps_wakes_up_as_another(
    lab: Person, docker_of: Callable[[str], Docker], serving: None
) -> None:
    lab.b2p("suspend", "b")
    lab.b2p("clone", "b", "e")
    try:
        assert "goes on" in lab.b2p("up", "b").err
        assert "goes on" in lab.b2p("up", "e").err
        for name in ("b", "e"):
            heard = partial(from_container, docker_of("a"), f"{name}:8080")
            await_true(f"the word of {name}", heard)
            assert heard() == "from-b"
        assert "10.178.178.3" in lab.inside("getent hosts e", name="b")
    finally:
        lab.b2p("rm", "-f", "e")
