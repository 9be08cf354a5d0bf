from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.podman_json import CONTAINER_ID, INSPECTED, LISTED, OTHER_ID

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

LIST = "/containers/json"


@pytest.fixture
def two(podman: FakePodman) -> FakePodman:
    other = {**LISTED, "Id": OTHER_ID, "Names": ["db"], "State": "exited", "Mounts": []}
    podman.on("GET", LIST, [LISTED, other])
    podman.on("GET", f"/containers/{CONTAINER_ID}/json", INSPECTED)
    podman.on("GET", "/containers/web/json", INSPECTED)
    return podman


def test_all_containers(ask: Asking, two: FakePodman) -> None:
    web, db = ask("ListContainers")["containers"]
    assert (web["id"], web["names"], web["status"]) == (CONTAINER_ID, "web", "running")
    assert web["mounts"][0]["source"] == "/srv/data"
    assert (db["id"], db["mounts"], db["containerrunning"]) == (OTHER_ID, [], False)
    query = two.last("GET", LIST).query
    assert query == {"all": ["true"], "size": ["true"], "namespace": ["true"]}


def test_no_containers(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", LIST, b"null")
    assert ask("ListContainers") == {"containers": []}


def test_mounts_are_asked_for_once(ask: Asking, two: FakePodman) -> None:
    for _ in range(3):
        ask("ListContainers")
    assert [asked.path for asked in two.asked].count(f"/containers/{CONTAINER_ID}/json") == 1


def test_mounts_of_containers_that_are_gone_are_forgotten(ask: Asking, two: FakePodman) -> None:
    ask("ListContainers")
    known = ask.dispatch.gateway.mounts
    assert list(known) == [CONTAINER_ID]
    two.answers["GET", LIST].clear()
    two.on("GET", LIST, [])
    ask("ListContainers")
    assert known == {}


def test_what_is_remembered_is_bounded(ask: Asking, two: FakePodman) -> None:
    known = ask.dispatch.gateway.mounts
    known.update((str(number), []) for number in range(1000))
    ask("GetContainer", id="web")
    assert list(known) == [CONTAINER_ID]


def test_a_container_that_is_removed_meanwhile(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", LIST, [LISTED])
    assert ask("ListContainers")["containers"][0]["mounts"] == []


def test_one_container(ask: Asking, two: FakePodman) -> None:
    assert ask("GetContainer", id="web")["container"]["id"] == CONTAINER_ID
    assert two.last("GET", LIST).filters() == {"id": [CONTAINER_ID]}


@pytest.mark.parametrize("name", ["nobody", "", "..", "a/b", "a?b=c"])
def test_one_that_is_not_there(ask: Asking, two: FakePodman, name: str) -> None:
    with pytest.raises(Refused) as caught:
        ask("GetContainer", id=name)
    assert caught.value.name == "io.podman.ContainerNotFound"
    assert caught.value.parameters["id"] == name


@pytest.mark.parametrize(
    ("status", "wanted"),
    [(["running"], ["running"]), (["configured", "exited"], ["created", "exited"])],
)
def test_containers_by_status(ask: Asking, two: FakePodman, status: Any, wanted: Any) -> None:
    assert len(ask("GetContainersByStatus", status=status)["containerS"]) == 2
    assert two.last("GET", LIST).filters() == {"status": wanted}


def test_containers_of_no_status(ask: Asking, two: FakePodman) -> None:
    assert ask("GetContainersByStatus", status=[]) == {"containerS": []}


def test_containers_of_a_status_that_is_unheard_of(ask: Asking, podman: FakePodman) -> None:
    podman.refuse("GET", LIST, 500, "unknown container state: odd")
    with pytest.raises(Refused, match="unknown container state"):
        ask("GetContainersByStatus", status=["odd"])


@pytest.mark.parametrize(
    ("opts", "query"),
    [
        ({}, {}),
        ({"all": True, "size": True}, {"all": ["true"], "size": ["true"]}),
        ({"last": 3}, {"limit": ["3"]}),
        ({"last": -1}, {}),
        ({"latest": True}, {"limit": ["1"]}),
        ({"filters": ["status=exited"]}, {"filters": ['{"status": ["exited"]}']}),
    ],
)
def test_ps(ask: Asking, two: FakePodman, opts: Any, query: Any) -> None:
    lines = ask("Ps", opts={"sort": "names", **opts})["containers"]
    assert [line["names"] for line in lines] == ["db", "web"]
    asked = two.last("GET", LIST).query
    assert asked == {"all": ["false"], "namespace": ["true"], **query}


def test_ps_fails(ask: Asking, podman: FakePodman) -> None:
    podman.refuse("GET", LIST, 500, "invalid filter")
    with pytest.raises(Refused, match="invalid filter"):
        ask("Ps", opts={"filters": ["odd"]})


def test_ids_by_context(ask: Asking, two: FakePodman) -> None:
    assert ask("GetContainersByContext", all=True) == {"containers": [CONTAINER_ID, OTHER_ID]}
    ask("GetContainersByContext", latest=True)
    assert two.last("GET", LIST).query["limit"] == ["1"]
    assert ask("GetContainersByContext", args=["web"]) == {"containers": [CONTAINER_ID]}
    with pytest.raises(Refused) as caught:
        ask("GetContainersByContext", args=["web", "nobody"])
    assert caught.value.name == "io.podman.ContainerNotFound"
    assert caught.value.parameters["id"] == ""
