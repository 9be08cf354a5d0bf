from __future__ import annotations

from typing import Any

import pytest

from tests.varlink import podman_json
from tests.varlink.podman_json import IMAGE_ID


@pytest.fixture(scope="module")
def shape(gateway: Any) -> Any:
    return gateway("shapes.images")


def test_an_image(gateway: Any, shape: Any) -> None:
    told = gateway("interface").load("io.podman").complete("Image", shape.image(podman_json.IMAGE))
    digest = "sha256:" + "6" * 64
    assert told == {
        "id": IMAGE_ID,
        "digest": digest,
        "digests": [digest],
        "parentId": "",
        "repoTags": ["docker.io/library/alpine:latest"],
        "repoDigests": [f"docker.io/library/alpine@{digest}"],
        "created": "2023-11-14T22:13:20Z",
        "size": 8000000,
        "virtualSize": 8000001,
        "containers": 1,
        "labels": {"a": "b"},
        "isParent": False,
        "topLayer": "",
        "readOnly": False,
    }


def test_an_image_without_a_name(gateway: Any, shape: Any) -> None:
    bare = {"Id": IMAGE_ID, "RepoTags": None, "Created": 0, "Size": 5}
    told = gateway("interface").load("io.podman").complete("Image", shape.image(bare))
    assert (told["repoTags"], told["digests"], told["labels"]) == ([], [], {})
    assert told["virtualSize"] == 5


def test_an_inspected_image(shape: Any) -> None:
    told = shape.inspected({**podman_json.IMAGE_INSPECTED, "Parent": "p"})
    assert (told["parentId"], told["created"]) == ("p", "2023-11-14T22:13:20Z")


def test_a_history(shape: Any) -> None:
    last, first = shape.history(podman_json.HISTORY)
    assert last["tags"] == ["docker.io/library/alpine:latest"]
    assert last["created"] == "2023-11-14T22:13:20Z"
    assert (first["id"], first["size"], first["comment"]) == ("<missing>", 8000000, "base")


def test_found_images(shape: Any) -> None:
    assert shape.found(podman_json.FOUND) == [
        {
            "description": "A minimal image",
            "is_official": True,
            "is_automated": False,
            "registry": "docker.io",
            "name": "docker.io/library/alpine",
            "star_count": 9000,
        }
    ]
    assert shape.found(None) == []


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({}, {}),
        ({"is_official": True}, {"is-official": ["true"]}),
        ({"is_automated": False}, {"is-automated": ["false"]}),
        ({"star_count": 3}, {"stars": ["3"]}),
    ],
)
def test_filters_of_a_search(shape: Any, wish: dict[str, Any], wanted: dict[str, Any]) -> None:
    none = {"is_official": None, "is_automated": None, "star_count": 0}
    assert shape.search_filters({**none, **wish}) == wanted


def test_what_was_removed(shape: Any) -> None:
    told = {"Untagged": ["a:latest"], "Deleted": [IMAGE_ID]}
    assert shape.removed(told) == {"untagged": ["a:latest"], "deleted": IMAGE_ID}
    assert shape.removed({"Untagged": ["a:latest"]})["deleted"] == ""
    assert shape.removed(None) == {"untagged": None, "deleted": ""}


def test_what_was_pruned(shape: Any) -> None:
    assert shape.pruned([{"Id": "a", "Size": 1}, {"Id": "b", "Err": "in use"}]) == ["a"]
    assert shape.pruned(None) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("CMD=/bin/sh", "CMD /bin/sh"),
        ("ENV=A=b", "ENV A=b"),
        ("CMD /bin/sh", "CMD /bin/sh"),
        ("ENV A=b", "ENV A=b"),
        ("ONBUILD", "ONBUILD"),
    ],
)
def test_a_change(shape: Any, text: str, wanted: str) -> None:
    assert shape.change(text) == wanted
