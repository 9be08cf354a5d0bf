"""PyPI's podman of 2019, python-varlink and systemd's varlinkctl, as users of theirs call them."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.real.service import BUSYBOX

if TYPE_CHECKING:
    from tests.boot.person import Person
    from tests.varlink.real.conftest import Old
    from tests.varlink.real.service import Service

pytestmark = pytest.mark.varlink

SOCKET = "unix:/run/podman/io.podman"


def test_a_container_lives_and_dies_by_a_script_of_2019(old: Old, service: Service) -> None:
    told = json.loads(old.script("containers.py").out)
    assert told.pop("version") == service("GetVersion")["version"]
    (line,) = told.pop("logs")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\S+ stdout F begun\n", line)
    assert told.pop("memory") > 0
    assert told.pop("exported").endswith("/old/container.tar")
    assert told == {
        "created": "configured",
        "listed": [True],
        "started": "running",
        "processes": ["COMMAND", "sleep"],
        "inspected": "old-container",
        "paused": "paused",
        "unpaused": "running",
        "changed": ["added", "changed", "deleted"],
        "killed": True,
        "waited": 137,
        "stopped": "exited",
        "removed": True,
        "missing": "old-container",
    }


def test_a_pod_lives_and_dies_by_a_script_of_2019(old: Old) -> None:
    assert json.loads(old.script("pods.py").out) == {
        "created": "Created",
        "name": "old-pod",
        "empty": True,
        "started": ["Running", "1"],
        "listed": [True],
        "inspected": True,
        "members": [True],
        "memory": [True],
        "paused": "Paused",
        "unpaused": "Running",
        "killed": True,
        "stopped": "Exited",
        "removed": True,
        "missing": "old-pod",
    }


def test_images_come_and_go_by_a_script_of_2019(old: Old) -> None:
    told = json.loads(old.script("images.py").out)
    assert re.fullmatch("[0-9a-f]{64}", told.pop("committed"))
    assert "A=b" in told.pop("environment")
    assert told == {
        "listed": [[BUSYBOX]],
        "inspected": True,
        "history": ["imported from tarball"],
        "tagged": True,
        "names": [BUSYBOX, "localhost/old:tagged"],
        "command": ["/bin/sh", "-c", "cat /data/kept"],
        "exported": True,
        "imported": True,
        "pulled": True,
        "missing": "localhost/old:committed",
    }


def test_python_varlinks_command_asks_and_calls(old: Old, service: Service) -> None:
    address = service.address
    info = old.run("-m", "varlink.cli", "info", address).out
    assert "io.podman" in info
    text = old.run("-m", "varlink.cli", "help", f"{address}/io.podman").out
    assert len(re.findall(r"^method \w+\(", text, re.MULTILINE)) == 97
    call = ("-m", "varlink.cli", "call", f"{address}/io.podman.ImageExists")
    assert json.loads(old.run(*call, json.dumps({"name": BUSYBOX})).out) == {"exists": 0}
    assert json.loads(old.run(*call, json.dumps({"name": "nobody"})).out) == {"exists": 1}


def test_varlinkctl_asks_and_calls(machine: Person, service: Service) -> None:
    assert "Product: podman" in machine.inside(f"varlinkctl info {SOCKET}")
    names = machine.inside(f"varlinkctl list-interfaces {SOCKET}").split()
    assert set(names) == {"io.podman", "org.varlink.service"}
    text = machine.inside(f"varlinkctl introspect {SOCKET} io.podman")
    assert len(re.findall(r"^method \w+ ?\(", text, re.MULTILINE)) == 97
    call = f"varlinkctl call {SOCKET} io.podman.ImageExists"
    assert json.loads(machine.inside(f"""{call} '{{"name": "{BUSYBOX}"}}'""")) == {"exists": 0}


def test_varlinkctl_takes_every_reply_of_a_stream(machine: Person, service: Service) -> None:
    name = service.run("seq", "3")
    service("WaitContainer", name=name)
    parameters = json.dumps({"names": [name], "follow": True})
    call = f"varlinkctl call --more --json=short {SOCKET} io.podman.GetContainersLogs"
    replies = lines(machine.inside(f"{call} '{parameters}'"))
    assert [reply["log"]["msg"] for reply in replies] == ["1", "2", "3", ""]
    until = str(int(time.time()) + 20)  # podman reads nothing once it is over
    parameters = json.dumps({"filter": [f"container={name}"], "since": "0", "until": until})
    call = f"varlinkctl call --more --json=short {SOCKET} io.podman.GetEvents"
    events = [
        reply["events"]["status"] for reply in lines(machine.inside(f"{call} '{parameters}'"))
    ]
    assert [event for event in events if event in {"create", "start", "died"}] == [
        "create",
        "start",
        "died",
    ]


def lines(text: str) -> list[Any]:
    """A JSON object a line, as sequences of JSON (RFC 7464) have them."""
    return [json.loads(line) for line in text.replace("\x1e", "").splitlines() if line]
