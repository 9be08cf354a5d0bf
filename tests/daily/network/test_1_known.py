"""Machines of one network know one another by name, and reach what their containers publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX
from tests.boot.person import await_true, opened_by_nobody
from tests.daily.ports.reach import is_closed, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.daily


def from_container(docker: Docker, address: str, *options: str) -> str:
    """What a container gets there by HTTP; empty where that fails."""
    line = f"wget -T 20 -q -O - http://{address}/ || true"
    return docker("run", "--rm", *options, BUSYBOX, "sh", "-c", line)


def from_machine(person: Person, name: str, address: str) -> str:
    """What the machine itself gets there by HTTP; empty where that fails."""
    ask = (
        "import urllib.request as r\n"
        f"try: print(r.urlopen('http://{address}/', timeout=20).read().decode())\n"
        "except OSError: pass"
    )
    return person.inside(f'python3 -c "{ask}"', name=name).strip()


def tried(person: Person, name: str, address: str, *ports: int) -> list[str]:
    """How a connection from a machine to each port goes: "open", or the error's name."""
    ask = (
        "import socket\n"
        f"for port in {list(ports)}:\n"
        f" try: socket.create_connection(('{address}', port), 9); print('open')\n"
        " except OSError as e: print(type(e).__name__)"
    )
    return person.inside(f'python3 -c "{ask}"', name=name).split()


def test_each_reaches_what_the_other_publishes_by_its_name(
    lab: Person, docker_of: Callable[[str], Docker]
) -> None:
    a, b = docker_of("a"), docker_of("b")
    serve(a, "web", "from-a", "--restart", "always", "-p", "8080:80")
    serve(b, "web", "from-b", "--restart", "always", "-p", "8080:80")
    await_true("b's word", lambda: from_container(a, "b:8080") == "from-b")
    await_true("a's word", lambda: from_container(b, "a:8080") == "from-a")
    assert from_machine(lab, "a", "b:8080") == "from-b"
    assert from_machine(lab, "b", "a.b2p.internal:8080") == "from-a"
    # Everybody, a machine's own containers too, calls it the same.
    assert from_container(a, "a:8080") == "from-a"
    assert from_container(a, "b:8080", "--network", "host") == "from-b"
    a("network", "create", "own")
    assert from_container(a, "b:8080", "--network", "own") == "from-b"
    shown = json.loads(lab.b2p("status", "b", "--json").out)
    assert (shown["network"], shown["address"]) == ("lab", "10.178.178.2")
    assert "NETWORK" in lab.b2p("ls").out


def test_cores_containers_are_known_too(lab: Person, docker_of: Callable[[str], Docker]) -> None:
    docker_of("b")
    lab.inside("rm -f /var/tmp/image.tar", name="b")
    lab.b2p("podman", "-m", "b", "save", BUSYBOX, "-o", "/var/tmp/image.tar")
    lab.inside("chmod 644 /var/tmp/image.tar", name="b")
    podman = ("podman", "--rootless", "-m", "b")
    lab.b2p(*podman, "load", "-i", "/var/tmp/image.tar")
    line = "echo rootless >/tmp/index.html; exec httpd -f -p 80 -h /tmp"
    lab.b2p(
        *(*podman, "run", "-d", "--name", "core", "-p", "8090:80", BUSYBOX, "sh", "-c", line),
    )
    try:
        await_true("its word", lambda: from_container(docker_of("a"), "b:8090") == "rootless")
        ask = ("run", "--rm", BUSYBOX, "wget", "-T", "20", "-q", "-O", "-", "http://a:8080/")
        assert lab.b2p(*podman, *ask).out.strip() == "from-a"
    finally:
        lab.b2p(*podman, "rm", "-f", "-t", "0", "core")


def test_another_network_is_another_world(lab: Person, docker_of: Callable[[str], Docker]) -> None:
    assert lab.b2p("ssh", "c", "--root", "--", "getent hosts a b", status=2).out == ""
    assert from_container(docker_of("c"), "10.178.178.2:8080") == ""
    assert "c.b2p" not in lab.inside("cat /etc/hosts", name="a")


def test_a_machine_that_comes_and_goes_is_known_and_forgotten(
    lab: Person, docker_of: Callable[[str], Docker]
) -> None:
    docker_of("a")("run", "-d", "--name", "old", BUSYBOX, "sleep", "1000")
    up = lab.b2p("up", "d", "--network", "lab", "--memory", "1GiB", "--no-mount")
    assert "was not told" not in up.err
    assert lab.inside("getent hosts d", name="a").split()[0] == "10.178.178.3"
    # Containers ask each time: also one that ran before.
    assert "10.178.178.3" in docker_of("a")("exec", "old", "nslookup", "d")
    assert lab.inside("getent hosts a b", name="d").count("b2p.internal") == 2
    lab.b2p("rm", "-f", "d")
    assert docker_of("a").run("exec", "old", "nslookup", "d.b2p.internal", status=None).status
    docker_of("a").remove("old")
    assert lab.b2p("ssh", "a", "--root", "--", "getent hosts d", status=2).out == ""


def test_the_cables_are_ones_own(lab: Person) -> None:
    cables = Path(lab.facts("a")["files"]["qmp"]).parents[1].glob("*/[1-8]-[1-8]")
    found = sorted(map(str, cables))
    assert len(found) > 8
    assert opened_by_nobody(found).out == ""


ENGINES = (22, 2375, 2376, 2377, 2379)
LIFT = "nft list table inet b2p_peers > /run/kept.nft && nft flush chain inet b2p_peers arriving"
RESTORE = "if [ -e /run/kept.nft ]; then nft delete table inet b2p_peers; nft -f /run/kept.nft; fi"


def test_no_way_in_but_what_is_published(lab: Person, docker_of: Callable[[str], Docker]) -> None:
    a, b = docker_of("a"), docker_of("b")
    serve(b, "inner", "inner", "-p", "127.0.0.1:8081:80")
    serve(b, "unpublished", "unpublished")
    serve(b, "own", "own", "-p", "10.178.178.2:8082:80")
    await_true("what is for the others alone", lambda: from_container(a, "b:8082") == "own")
    assert is_closed(8082)
    hidden = b("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "unpublished")
    assert tried(lab, "a", "b", 8082, *ENGINES) == ["open", *["ConnectionRefusedError"] * 5]
    assert from_container(a, "b:8081") == ""
    # Root of a lets answers of any sender in, and sends by its own way: b passes nothing on, to its
    # containers or to this computer.
    ways = f"ip route add {hidden} via 10.178.178.2 && ip route add 10.0.2.99 via 10.178.178.2"
    lab.inside(f"{LIFT} && {ways}", name="a")
    try:
        assert from_machine(lab, "a", hidden) == ""
        assert tried(lab, "a", "10.0.2.99", 9) == ["TimeoutError"]
        # Without the rule it would: so this is what keeps it out.
        lab.inside(LIFT, name="b")
        await_true("b's container", lambda: from_machine(lab, "a", hidden) == "unpublished")
    finally:
        lab.inside(f"ip route del {hidden}; ip route del 10.0.2.99; {RESTORE}", name="a")
        b.remove("inner", "unpublished", "own")
        lab.inside(RESTORE, name="b")


def test_a_machine_cannot_pretend_to_be_another(
    lab: Person, docker_of: Callable[[str], Docker]
) -> None:
    docker_of("b")
    count = "nft list chain inet b2p_peers arriving | grep -c pretended || true"
    lab.inside(
        "nft insert rule inet b2p_peers arriving iifname peer1 ip saddr 10.178.178.7 counter"
        ' comment "pretended"',
        name="b",
    )
    lab.inside("ip address add 10.178.178.7/32 dev lo", name="a")
    ask = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.settimeout(3)\n"
        "s.bind(('10.178.178.7', 0))\n"
        "try: s.connect(('10.178.178.2', 8080)); print('open')\n"
        "except OSError as e: print(type(e).__name__)"
    )
    try:
        assert lab.inside(f'python3 -c "{ask}"', name="a").strip() == "TimeoutError"
        assert lab.inside(count, name="b").strip() == "1"
        seen = lab.inside("nft list chain inet b2p_peers arriving", name="b")
        assert "counter packets 0" not in seen
    finally:
        lab.inside("ip address del 10.178.178.7/32 dev lo", name="a")
