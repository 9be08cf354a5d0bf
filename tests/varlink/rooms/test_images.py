from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.varlink.asking import Refused
from tests.varlink.podman_json import FOUND, HISTORY, IMAGE, IMAGE_ID, IMAGE_INSPECTED

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

ALPINE = "/images/alpine"


@pytest.fixture
def alpine(podman: FakePodman) -> FakePodman:
    podman.on("GET", f"{ALPINE}/json", IMAGE_INSPECTED)
    podman.on("GET", "/images/json", [IMAGE])
    return podman


def test_lists(ask: Asking, alpine: FakePodman) -> None:
    (told,) = ask("ListImages")["images"]
    assert (told["id"], told["containers"]) == (IMAGE_ID, 1)
    assert "history" not in told
    assert ask("ListImagesWithFilters", filters=["dangling=true"])["images"] == [told]
    assert alpine.last("GET", "/images/json").filters() == {"dangling": ["true"]}


@pytest.mark.parametrize("method", ["ListImages", "ListImagesWithFilters"])
def test_lists_that_fail(ask: Asking, podman: FakePodman, method: str) -> None:
    podman.refuse("GET", "/images/json", 500, "invalid filter")
    with pytest.raises(Refused, match="invalid filter"):
        ask(method)


def test_one_image(ask: Asking, alpine: FakePodman) -> None:
    assert ask("GetImage", id="alpine")["image"]["containers"] == 1
    alpine.answers["GET", "/images/json"].clear()
    alpine.on("GET", "/images/json", [])
    assert ask("GetImage", id="alpine")["image"]["id"] == IMAGE_ID


@pytest.mark.parametrize(
    ("method", "parameter"),
    [
        ("GetImage", "id"),
        ("InspectImage", "name"),
        ("HistoryImage", "name"),
        ("TagImage", "name"),
        ("UntagImage", "name"),
        ("RemoveImage", "name"),
        ("RemoveImageWithResponse", "name"),
        ("PushImage", "name"),
        ("ExportImage", "name"),
    ],
)
def test_an_image_that_is_not_there(ask: Asking, method: str, parameter: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method, **{parameter: "alpine"})
    assert caught.value.name == "io.podman.ImageNotFound"
    assert caught.value.parameters["id"] == "alpine"


def test_json_in_a_text_and_history(ask: Asking, alpine: FakePodman) -> None:
    alpine.on("GET", f"{ALPINE}/history", HISTORY)
    assert json.loads(ask("InspectImage", name="alpine")["image"]) == IMAGE_INSPECTED
    assert [step["id"] for step in ask("HistoryImage", name="alpine")["history"]] == [
        IMAGE_ID,
        "<missing>",
    ]


@pytest.mark.parametrize(
    ("method", "verb", "parameter"),
    [("TagImage", "tag", "tagged"), ("UntagImage", "untag", "tag")],
)
@pytest.mark.parametrize(
    ("reference", "repo", "tag"),
    [("localhost:5000/a:1", "localhost:5000/a", "1"), ("a", "a", "latest")],
)
def test_names(
    ask: Asking, alpine: FakePodman, method: str, verb: str, parameter: str,
    reference: str, repo: str, tag: str,
) -> None:  # fmt: skip
    alpine.on("POST", f"{ALPINE}/{verb}", status=201)
    assert ask(method, name="alpine", **{parameter: reference}) == {"image": IMAGE_ID}
    query = alpine.last("POST", f"{ALPINE}/{verb}").query
    assert query == {"repo": [repo], "tag": [tag]}


def test_removing(ask: Asking, alpine: FakePodman) -> None:
    alpine.on(
        "DELETE", ALPINE, {"Deleted": [IMAGE_ID], "Untagged": ["alpine:latest"], "ExitCode": 0}
    )
    assert ask("RemoveImage", name="alpine", force=True) == {"image": IMAGE_ID}
    assert alpine.last("DELETE", ALPINE).query == {"force": ["true"]}
    assert ask("RemoveImageWithResponse", name="alpine") == {
        "response": {"untagged": ["alpine:latest"], "deleted": IMAGE_ID}
    }


@pytest.mark.parametrize("method", ["RemoveImage", "RemoveImageWithResponse"])
def test_an_image_in_use(ask: Asking, alpine: FakePodman, method: str) -> None:
    alpine.refuse("DELETE", ALPINE, 409, "image is in use by 1 containers")
    with pytest.raises(Refused) as caught:
        ask(method, name="alpine")
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert caught.value.parameters == {"reason": "image is in use by 1 containers"}


def test_a_removal_that_fails_behind_a_success(ask: Asking, alpine: FakePodman) -> None:
    alpine.on("DELETE", ALPINE, {"Errors": ["layer is locked"]})
    with pytest.raises(Refused, match="layer is locked"):
        ask("RemoveImage", name="alpine")


def test_whether_it_exists(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{ALPINE}/exists", status=204)
    assert ask("ImageExists", name="alpine") == {"exists": 0}
    assert ask("ImageExists", name="nothing") == {"exists": 1}


def test_the_tree(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{ALPINE}/tree", {"Tree": "Image ID: abc"})
    assert ask("ImageTree", name="alpine", whatRequires=True) == {"tree": "Image ID: abc"}
    assert podman.last("GET", f"{ALPINE}/tree").query == {"whatrequires": ["true"]}
    with pytest.raises(Refused) as caught:
        ask("ImageTree", name="nothing")
    assert caught.value.name == "io.podman.ErrorOccurred"


def test_pruning(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/prune", [{"Id": "a", "Size": 1}])
    assert ask("ImagesPrune", filter=["until=1h"]) == {"pruned": ["a"]}
    asked = podman.last("POST", "/images/prune")
    assert (asked.query["all"], asked.filters()) == (["false"], {"until": ["1h"]})
    assert ask("DeleteUnusedImages") == {"images": ["a"]}
    assert podman.last("POST", "/images/prune").query == {"all": ["true"]}


@pytest.mark.parametrize("method", ["ImagesPrune", "DeleteUnusedImages"])
def test_pruning_that_fails(ask: Asking, podman: FakePodman, method: str) -> None:
    podman.refuse("POST", "/images/prune", 500, "no")
    with pytest.raises(Refused):
        ask(method)


def test_searching(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/images/search", FOUND)
    (hit,) = ask("SearchImages", query="alpine", limit=25, filter={"is_official": True})["results"]
    assert (hit["name"], hit["is_official"]) == ("docker.io/library/alpine", True)
    asked = podman.last("GET", "/images/search")
    assert (asked.query["term"], asked.query["limit"]) == (["alpine"], ["25"])
    assert asked.filters() == {"is-official": ["true"]}
    ask("SearchImages", query="alpine")
    assert podman.last("GET", "/images/search").query == {"term": ["alpine"]}


def test_a_search_without_a_network(ask: Asking, podman: FakePodman) -> None:
    podman.refuse("GET", "/images/search", 500, "no such host")
    with pytest.raises(Refused, match="no such host"):
        ask("SearchImages", query="alpine")
