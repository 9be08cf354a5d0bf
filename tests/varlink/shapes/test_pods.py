from __future__ import annotations

from typing import Any

import pytest

from tests.varlink import podman_json
from tests.varlink.podman_json import CONTAINER_ID, INFRA_ID, POD_ID
from tests.varlink.wishes import complete


@pytest.fixture(scope="module")
def shape(gateway: Any) -> Any:
    return gateway("shapes.pods")


@pytest.mark.parametrize(
    ("told", "status"), [(podman_json.POD, "Running"), (podman_json.POD_INSPECTED, "Running")]
)
def test_a_pod_from_the_list_and_from_inspect(shape: Any, told: Any, status: str) -> None:
    assert shape.pod(told) == {
        "id": POD_ID,
        "name": "pod1",
        "createdat": "2026-01-02T03:04:05Z",
        "cgroup": "machine.slice",
        "status": status,
        "labels": {"a": "b"},
        "numberofcontainers": "2",
        "containersinfo": [
            {"name": "facade-infra", "id": INFRA_ID, "status": "running"},
            {"name": "web", "id": CONTAINER_ID, "status": "configured"},
        ],
    }


def test_an_empty_pod(shape: Any) -> None:
    told = shape.pod({"Id": POD_ID, "Status": "Created", "Containers": None})
    assert (told["numberofcontainers"], told["containersinfo"]) == ("0", [])
    assert told["status"] == "Created"


def test_a_pod_in_the_form_of_2020(shape: Any) -> None:
    told = shape.inspected(podman_json.POD_INSPECTED)
    config = told["Config"]
    assert (config["id"], config["name"], config["lockID"]) == (POD_ID, "pod1", 7)
    shares = {name: value for name, value in config.items() if name.startswith("shares")}
    assert shares == {
        "sharesCgroup": False,
        "sharesPid": False,
        "sharesIpc": True,
        "sharesNet": True,
        "sharesMnt": False,
        "sharesUser": False,
        "sharesUts": True,
    }
    assert config["infraConfig"] == {
        "makeInfraContainer": True,
        "infraPortBindings": [
            {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": ""}
        ],
    }
    assert told["State"] == {
        "cgroupPath": "machine.slice/machine-libpod_pod.slice",
        "infraContainerID": INFRA_ID,
    }
    assert told["Containers"][1] == {"id": CONTAINER_ID, "state": "configured"}


def test_a_wish_for_a_pod(gateway: Any, shape: Any) -> None:
    assert shape.wish(complete(gateway, "PodCreate", name="p")) == {"name": "p", "no_infra": True}
    wish = complete(
        gateway, "PodCreate", name="p", infra=True, share=["net"], publish=["8080:80"],
        labels={"a": "b"}, infraCommand="/pause now", infraImage="i", cgroupParent="c",
    )  # fmt: skip
    assert shape.wish(wish) == {
        "name": "p",
        "labels": {"a": "b"},
        "cgroup_parent": "c",
        "no_infra": False,
        "shared_namespaces": ["net"],
        "portmappings": [{"container_port": 80, "host_port": 8080, "protocol": "tcp"}],
        "infra_image": "i",
        "infra_command": ["/pause", "now"],
    }


@pytest.mark.parametrize(
    "wish",
    [
        {"share": ["net"]},
        {"publish": ["80:80"]},
        {"infra": True},
        {"infra": True, "share": ["net"], "publish": ["x"]},
    ],
)
def test_a_pod_that_cannot_be(gateway: Any, shape: Any, wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        shape.wish(complete(gateway, "PodCreate", **wish))


def test_failures_of_members(shape: Any) -> None:
    assert shape.failures([f"error stopping container {CONTAINER_ID}: no", {}, "odd"]) == [
        {"containerid": CONTAINER_ID, "reason": f"error stopping container {CONTAINER_ID}: no"},
        {"containerid": "", "reason": "unknown failure"},
        {"containerid": "", "reason": "odd"},
    ]
