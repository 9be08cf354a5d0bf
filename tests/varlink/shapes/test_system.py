from __future__ import annotations

from typing import Any

import pytest

from tests.varlink import podman_json


@pytest.fixture(scope="module")
def system(gateway: Any) -> Any:
    return gateway("shapes.system")


def test_the_version(system: Any) -> None:
    assert system.version(podman_json.VERSION) == {
        "version": "5.4.2",
        "go_version": "go1.24.4",
        "git_commit": "abc",
        "built": "2025-04-02T00:00:00Z",
        "os_arch": "linux/amd64",
        "remote_api_version": 1,
    }


def test_the_host(system: Any) -> None:
    host = system.info(podman_json.INFO)["host"]
    assert host["buildah_version"] == "1.39.3"
    assert (host["mem_free"], host["mem_total"], host["cpus"]) == (1000, 2000, 2)
    assert (host["uptime"], host["eventlogger"]) == ("0h 5m 2.00s", "journald")
    assert host["distribution"]["distribution"] == "debian"


def test_the_store(system: Any) -> None:
    assert system.info(podman_json.INFO)["store"] == {
        "containers": 3,
        "images": 4,
        "graph_driver_name": "overlay",
        "graph_driver_options": "map[overlay.a:b overlay.mountopt:nodev]",
        "graph_root": "/var/lib/containers/storage",
        "graph_status": {
            "backing_filesystem": "extfs",
            "native_overlay_diff": "true",
            "supports_d_type": "true",
        },
        "run_root": "/run/containers/storage",
    }


def test_registries_and_the_program(system: Any) -> None:
    told = system.info(podman_json.INFO)
    assert told["registries"] == ["docker.io"]
    assert told["insecure_registries"] == ["localhost:5000"]
    assert told["podman"]["compiler"] == "gc"
    assert told["podman"]["podman_version"] == "5.4.2"


def test_an_info_without_anything_is_of_its_type_still(gateway: Any, system: Any) -> None:
    interface = gateway("interface").load("io.podman")
    told = interface.complete("PodmanInfo", system.info({}))
    assert told["host"]["cpus"] == 0
    assert told["store"]["graph_driver_options"] == "map[]"
    assert told["registries"] == []


def test_an_event(system: Any) -> None:
    assert system.event(podman_json.EVENT) == {
        "id": podman_json.CONTAINER_ID,
        "image": "docker.io/library/alpine:latest",
        "name": "web",
        "status": "start",
        "time": "2023-11-14T22:13:20.123456789Z",
        "type": "container",
    }
    assert system.event({"time": 1700000000})["time"] == "2023-11-14T22:13:20Z"
