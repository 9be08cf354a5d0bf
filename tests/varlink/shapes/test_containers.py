from __future__ import annotations

from typing import Any

import pytest

from tests.varlink import podman_json
from tests.varlink.podman_json import CONTAINER_ID, INSPECTED, LISTED, STATS

NOW = podman_json.STARTED + 3661.5


@pytest.fixture(scope="module")
def shape(gateway: Any) -> Any:
    return gateway("shapes.containers")


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("created", "configured"),
        ("initialized", "created"),
        ("running", "running"),
        ("stopping", "running"),
        ("removing", "stopped"),
        ("paused", "paused"),
        ("exited", "exited"),
        ("stopped", "stopped"),
        ("unknown", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_state_in_old_words(shape: Any, new: str | None, old: str) -> None:
    assert shape.old_state(new) == old


def test_states_that_are_asked_for(shape: Any) -> None:
    assert shape.new_states(["configured", "created", "running", "exited"]) == [
        "created",
        "initialized",
        "running",
        "exited",
    ]


def test_a_container(shape: Any) -> None:
    told = shape.container(LISTED, INSPECTED["Mounts"], NOW)
    assert told == {
        "id": CONTAINER_ID,
        "image": "docker.io/library/alpine:latest",
        "imageid": podman_json.IMAGE_ID,
        "command": ["sleep", "1000"],
        "createdat": "2026-01-02T03:04:05Z",
        "runningfor": told["runningfor"],
        "status": "running",
        "ports": [
            {"host_port": "8080", "host_ip": "", "protocol": "tcp", "container_port": "80"},
            {"host_port": "8081", "host_ip": "", "protocol": "tcp", "container_port": "81"},
        ],
        "rootfssize": 8000000,
        "rwsize": 42,
        "names": "web",
        "labels": {"app": "web"},
        "mounts": [
            {
                "destination": "/data",
                "type": "bind",
                "source": "/srv/data",
                "options": ["rbind"],
            }
        ],
        "containerrunning": True,
        "namespaces": {
            "user": "4026531837",
            "uts": "4026532302",
            "pidns": "4026532304",
            "pid": "4711",
            "cgroup": "4026532305",
            "net": "4026532239",
            "mnt": "4026532301",
            "ipc": "4026532303",
        },
    }
    assert told["runningfor"].startswith("1h1m2.37")


def test_a_container_with_hardly_anything(gateway: Any, shape: Any) -> None:
    bare = {"Id": "x", "State": "created", "Created": podman_json.CREATED, "Names": None}
    told = (
        gateway("interface").load("io.podman").complete("Container", shape.container(bare, [], NOW))
    )
    assert (told["names"], told["command"], told["ports"], told["rwsize"]) == ("", [], [], 0)
    assert told["containerrunning"] is False
    assert told["namespaces"]["pid"] == ""


def test_a_line_of_ps(shape: Any) -> None:
    told = shape.ps_container(LISTED, NOW)
    assert told["command"] == "sleep 1000"
    assert told["created"] == "61 minutes ago"
    assert told["ports"] == "0.0.0.0:8080->80/tcp, 0.0.0.0:8081->81/tcp"
    assert (told["state"], told["status"]) == ("running", "Up 61 minutes ago")
    assert told["createdAt"] == podman_json.CREATED
    assert told["startedAt"] == "2026-01-02T03:04:06Z"
    assert told["exitedAt"] == "0001-01-01T00:00:00Z"
    assert (told["pidNum"], told["nsPid"], told["mnt"]) == (4711, "4711", "4026532301")
    assert (told["rootFsSize"], told["mounts"], told["isInfra"]) == (8000000, "/data", False)


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"State": "exited", "ExitCode": 3, "ExitedAt": NOW - 300}, "Exited (3) 5 minutes ago"),
        ({"State": "created"}, "Created"),
        ({"State": "paused"}, "Paused"),
        ({"State": None}, ""),
    ],
)
def test_the_status_of_ps(shape: Any, changed: dict[str, Any], wanted: str) -> None:
    assert shape.status_text({**LISTED, **changed}, NOW) == wanted


def test_ps_in_an_order(shape: Any) -> None:
    lines = [{"names": "b", "rwSize": 1}, {"names": "a", "rwSize": None}]
    assert [line["names"] for line in shape.ordered(lines, "names")] == ["a", "b"]
    assert [line["names"] for line in shape.ordered(lines, "size")] == ["a", "b"]
    assert shape.ordered(lines, "nonsense") == shape.ordered(lines, None) == lines


def test_ports_of_several_protocols(shape: Any) -> None:
    published = [{"container_port": 53, "host_port": 53, "protocol": "tcp,udp"}]
    assert [port["protocol"] for port in shape.ports(published)] == ["tcp", "udp"]
    assert shape.ports(None) == []


CHANGES = [{"Path": "/a", "Kind": 1}, {"Path": "/c", "Kind": 0}, {"Path": "/d", "Kind": 2}]


def test_changes(shape: Any) -> None:
    assert shape.changes(CHANGES) == {"changed": ["/c"], "added": ["/a"], "deleted": ["/d"]}
    assert shape.changes(None) == {"changed": [], "added": [], "deleted": []}
    assert [one["changeType"] for one in shape.diffs(CHANGES)] == ["A", "C", "D"]
    assert shape.diffs(None) == []


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        ({"Status": "starting", "Log": [{"ExitCode": 0}]}, "healthy"),
        ({"Status": "healthy", "Log": [{"ExitCode": 0}, {"ExitCode": 1}]}, "unhealthy"),
        ({"Status": "healthy", "Log": None}, "healthy"),
        ({}, "unhealthy"),
    ],
)
def test_a_health_check(shape: Any, run: dict[str, Any], wanted: str) -> None:
    assert shape.health(run) == wanted


def test_statistics(gateway: Any, shape: Any) -> None:
    told = gateway("interface").load("io.podman").complete("ContainerStats", shape.stats(STATS))
    assert told == {
        "id": CONTAINER_ID,
        "name": "web",
        "cpu": 1.5,
        "cpu_nano": 3000000,
        "system_nano": 1767323050000000000,
        "mem_usage": 4096,
        "mem_limit": (1 << 63) - 1,
        "mem_perc": 0.25,
        "net_input": 11,
        "net_output": 22,
        "block_output": 8,
        "block_input": 7,
        "pids": 3,
    }


def test_statistics_of_podman_4(shape: Any) -> None:
    told = shape.stats({"NetInput": 5, "NetOutput": 6})
    assert (told["net_input"], told["net_output"]) == (5, 6)


def test_cpu_since_a_moment(shape: Any) -> None:
    before = {"cpu_nano": 100, "system_nano": 1000}
    assert shape.cpu_since({"cpu_nano": 600, "system_nano": 2000}, before, 2) == 100
    assert shape.cpu_since({"cpu_nano": 600, "system_nano": 1000}, before, 2) == 0
    assert shape.cpu_since({}, before, 2) == 0


def test_processes(shape: Any) -> None:
    top = {"Titles": ["USER", "PID"], "Processes": [["root", "1"], ["root", "2"]]}
    assert shape.processes(top) == ["USER\tPID", "root\t1", "root\t2"]
