from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.podman_json import (
    CONTAINER_ID,
    INFRA_ID,
    OTHER_ID,
    POD,
    POD_ID,
    POD_INSPECTED,
    STATS,
)

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

P = "/pods/pod1"


@pytest.fixture
def pod(podman: FakePodman) -> FakePodman:
    podman.on("GET", f"{P}/json", POD_INSPECTED)
    podman.on(
        "GET", "/pods/json", [POD, {**POD, "Id": OTHER_ID, "Created": "2026-01-02T03:04:05Z"}]
    )
    return podman


@pytest.mark.parametrize(
    ("method", "given", "verb", "query"),
    [
        ("StartPod", {}, "start", {}),
        ("StopPod", {}, "stop", {"t": ["0"]}),
        ("StopPod", {"timeout": 9}, "stop", {"t": ["9"]}),
        ("RestartPod", {}, "restart", {}),
        ("KillPod", {"signal": -1}, "kill", {"signal": ["15"]}),
        ("PausePod", {}, "pause", {}),
        ("UnpausePod", {}, "unpause", {}),
    ],
)
def test_what_is_done_answers_the_full_id(
    ask: Asking, pod: FakePodman, method: str, given: Any, verb: str, query: Any
) -> None:
    pod.on("POST", f"{P}/{verb}", {"Errs": None, "Id": POD_ID})
    assert ask(method, name="pod1", **given) == {"pod": POD_ID}
    assert pod.last("POST", f"{P}/{verb}").query == query


def test_a_pod_that_runs_already(ask: Asking, pod: FakePodman) -> None:
    pod.on("POST", f"{P}/start", status=304)
    assert ask("StartPod", name="pod1") == {"pod": POD_ID}


@pytest.mark.parametrize(
    "method",
    [
        "GetPod", "InspectPod", "StartPod", "StopPod", "RestartPod", "KillPod", "PausePod",
        "UnpausePod", "RemovePod", "GetPodStats",
    ],
)  # fmt: skip
def test_a_pod_that_is_not_there(ask: Asking, method: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method, name="pod1")
    assert caught.value.name == "io.podman.PodNotFound"
    assert caught.value.parameters["name"] == "pod1"


@pytest.mark.parametrize("status", [200, 409])
def test_members_that_fail(ask: Asking, pod: FakePodman, status: int) -> None:
    told = {"Errs": [f"cannot stop {CONTAINER_ID}"], "Id": POD_ID}
    pod.on("POST", f"{P}/stop", told, status=status)
    with pytest.raises(Refused) as caught:
        ask("StopPod", name="pod1")
    assert caught.value.name == "io.podman.PodContainerError"
    assert caught.value.parameters == {
        "podname": POD_ID,
        "errors": [{"containerid": CONTAINER_ID, "reason": f"cannot stop {CONTAINER_ID}"}],
    }


def test_a_refusal(ask: Asking, pod: FakePodman) -> None:
    pod.refuse("POST", f"{P}/kill", 500, "invalid signal")
    with pytest.raises(Refused, match="invalid signal"):
        ask("KillPod", name="pod1", signal=99)


@pytest.mark.parametrize("method", ["StartPod", "RestartPod"])
def test_an_empty_pod(ask: Asking, podman: FakePodman, method: str) -> None:
    podman.on("GET", f"{P}/json", {**POD_INSPECTED, "Containers": None})
    with pytest.raises(Refused) as caught:
        ask(method, name="pod1")
    assert caught.value.name == "io.podman.NoContainersInPod"
    assert caught.value.parameters == {"name": "pod1"}


def test_creating(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/pods/create", {"Id": POD_ID}, status=201)
    assert ask("CreatePod", create={"name": "pod1"}) == {"pod": POD_ID}
    assert podman.last("POST", "/pods/create").json == {"name": "pod1", "no_infra": True}
    with pytest.raises(Refused, match="infra"):
        ask("CreatePod", create={"name": "pod1", "share": ["net"]})


def test_lists(ask: Asking, pod: FakePodman) -> None:
    first, _ = ask("ListPods")["pods"]
    assert (first["id"], first["status"], first["numberofcontainers"]) == (POD_ID, "Running", "2")
    assert ask("GetPod", name="pod1")["pod"] == first
    config = json.loads(ask("InspectPod", name="pod1")["pod"])["Config"]
    assert config["id"] == POD_ID
    assert json.loads(ask("PodStateData", name="pod1")["config"])["Config"] == config


@pytest.mark.parametrize(
    ("method", "given"), [("ListPods", {}), ("GetPodsByStatus", {"statuses": ["odd"]})]
)
def test_lists_that_fail(ask: Asking, podman: FakePodman, method: str, given: Any) -> None:
    podman.refuse("GET", "/pods/json", 500, "no")
    with pytest.raises(Refused) as caught:
        ask(method, **given)
    assert caught.value.name == "io.podman.ErrorOccurred"


def test_the_state_of_one_that_is_not_there(ask: Asking) -> None:
    with pytest.raises(Refused) as caught:
        ask("PodStateData", name="pod1")
    assert caught.value.name == "io.podman.ErrorOccurred"


def test_by_status(ask: Asking, pod: FakePodman) -> None:
    assert ask("GetPodsByStatus", statuses=["Running"]) == {"pods": [POD_ID, OTHER_ID]}
    assert pod.last("GET", "/pods/json").filters() == {"status": ["running", "degraded"]}
    assert ask("GetPodsByStatus", statuses=[]) == {"pods": []}


def test_by_context(ask: Asking, pod: FakePodman) -> None:
    assert ask("GetPodsByContext", all=True) == {"pods": [POD_ID, OTHER_ID]}
    assert ask("GetPodsByContext", latest=True) == {"pods": [POD_ID]}
    assert ask("GetPodsByContext", args=["pod1"]) == {"pods": [POD_ID]}
    with pytest.raises(Refused) as caught:
        ask("GetPodsByContext", args=["nobody"])
    assert caught.value.name == "io.podman.PodNotFound"


def test_no_latest_pod(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/pods/json", [])
    with pytest.raises(Refused, match="there is no pod"):
        ask("GetPodsByContext", latest=True)


def test_removing_by_force(ask: Asking, pod: FakePodman) -> None:
    pod.on("DELETE", f"/pods/{POD_ID}", {"Id": POD_ID, "Err": None, "RemovedCtrs": {}})
    assert ask("RemovePod", name="pod1", force=True) == {"pod": POD_ID}
    assert pod.last("DELETE", f"/pods/{POD_ID}").query == {"force": ["true"]}
    with pytest.raises(Refused, match="has containers"):
        ask("RemovePod", name="pod1")


def test_removing_one_with_its_infra_container_alone(ask: Asking, podman: FakePodman) -> None:
    members = [{"Id": INFRA_ID, "Name": "i", "State": "running"}]
    podman.on("GET", f"{P}/json", {**POD_INSPECTED, "Containers": members})
    podman.on("DELETE", f"/pods/{POD_ID}", {"Id": POD_ID, "Err": None})
    podman.on("DELETE", f"/pods/{POD_ID}", {"Id": POD_ID, "Err": "busy"})
    assert ask("RemovePod", name="pod1") == {"pod": POD_ID}
    with pytest.raises(Refused, match="busy"):
        ask("RemovePod", name="pod1")


def test_processes(ask: Asking, pod: FakePodman) -> None:
    top = {"Titles": ["PID"], "Processes": [["1"]]}
    pod.on("GET", f"{P}/top", top)
    pod.on("GET", f"/pods/{POD_ID}/top", top)
    assert ask("TopPod", pod="pod1", descriptors=["pid", "user"]) == {"stats": ["PID", "1"]}
    query = pod.last("GET", f"{P}/top").query
    assert query == {"ps_args": ["pid,user"], "stream": ["false"]}
    assert ask("TopPod", latest=True) == {"stats": ["PID", "1"]}
    with pytest.raises(Refused) as caught:
        ask("TopPod", pod="nobody")
    assert caught.value.parameters["name"] == "nobody"


def test_statistics(ask: Asking, pod: FakePodman) -> None:
    pod.on("GET", "/containers/stats", {"Error": None, "Stats": [STATS]})
    told = ask("GetPodStats", name="pod1")
    assert (told["pod"], told["containers"][0]["mem_usage"]) == (POD_ID, 4096)
    assert pod.last("GET", "/containers/stats").query["containers"] == [INFRA_ID]
    pod.answers["GET", "/containers/stats"].clear()
    pod.on("GET", "/containers/stats", {"Error": "cgroup", "Stats": None})
    with pytest.raises(Refused, match="cgroup"):
        ask("GetPodStats", name="pod1")


def test_statistics_of_a_pod_where_nothing_runs(ask: Asking, podman: FakePodman) -> None:
    members = [{"Id": CONTAINER_ID, "Name": "web", "State": "exited"}]
    podman.on("GET", f"{P}/json", {**POD_INSPECTED, "Containers": members})
    with pytest.raises(Refused) as caught:
        ask("GetPodStats", name="pod1")
    assert caught.value.name == "io.podman.NoContainerRunning"
