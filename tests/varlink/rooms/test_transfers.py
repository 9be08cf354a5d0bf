from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.fake_podman import lines
from tests.varlink.podman_json import IMAGE_ID, IMAGE_INSPECTED

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

PULLED = lines(
    {"stream": "Trying to pull"},
    {"stream": "Copying blob"},
    {"images": [IMAGE_ID], "id": IMAGE_ID},
)
BUILT = lines({"stream": "STEP 1/1: FROM scratch\n"}, {"stream": f"{IMAGE_ID}\n"})


def brought(ask: Asking, name: str = "context.tar") -> str:
    with ask.spool.draft(name) as draft:
        draft.file.write(b"a tar file")
    path: str = draft.path
    return path


def test_a_pull(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/pull", PULLED)
    assert ask("PullImage", name="alpine") == {
        "reply": {"logs": ["Trying to pull", "Copying blob"], "id": IMAGE_ID}
    }
    asked = podman.last("POST", "/images/pull")
    assert asked.query == {"reference": ["alpine"], "policy": ["missing"], "quiet": ["false"]}
    assert "X-Registry-Auth" not in asked.headers


def test_a_pull_as_it_goes(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/pull", PULLED)
    assert ask.more("PullImage", name="alpine") == [
        {"reply": {"logs": ["Trying to pull"], "id": ""}},
        {"reply": {"logs": ["Copying blob"], "id": ""}},
        {"reply": {"logs": [], "id": IMAGE_ID}},
    ]


def test_a_pull_as_somebody(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/pull", PULLED)
    ask("PullImage", name="alpine", creds={"username": "me", "password": "pass"})
    header = podman.last("POST", "/images/pull").headers["X-Registry-Auth"]
    told = json.loads(base64.urlsafe_b64decode(header))
    assert told == {"username": "me", "password": "pass"}


@pytest.mark.parametrize(
    ("body", "cut", "reason"),
    [
        (lines({"stream": "Trying"}, {"error": "manifest unknown"}), False, "manifest unknown"),
        (lines({"stream": "Trying"}), True, "too early"),
        ([b'{"stream": "Try'], True, "too early"),
        ([b"what?\n"], False, "no JSON"),
    ],
)
def test_a_pull_that_fails(
    ask: Asking, podman: FakePodman, body: Any, *, cut: bool, reason: str
) -> None:
    podman.on("POST", "/images/pull", body, cut=cut)
    for asked in (ask, ask.more):
        with pytest.raises(Refused, match=reason) as caught:
            asked("PullImage", name="alpine")
        assert caught.value.name == "io.podman.ErrorOccurred"


def test_a_pull_from_an_archive(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/load", {"Names": ["docker.io/library/alpine:latest"]})
    podman.on("GET", "/images/docker.io/library/alpine:latest/json", IMAGE_INSPECTED)
    brought(ask, "a.tar")
    told = ask("PullImage", name="docker-archive:/a.tar")
    assert told == {"reply": {"logs": [], "id": IMAGE_ID}}
    assert podman.last("POST", "/images/load").body == b"a tar file"
    with pytest.raises(Refused, match="no file"):
        ask("PullImage", name="docker-archive:/b.tar")


def test_a_push(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/images/alpine/json", IMAGE_INSPECTED)
    podman.on("POST", "/images/alpine/push", lines({"stream": "Copying"}, {"manifestdigest": "d"}))
    given = {"name": "alpine", "tag": "localhost:5000/a", "format": "oci"}
    told = {"logs": ["Copying"], "id": IMAGE_ID}
    assert ask("PushImage", **given) == {"reply": told}
    query = podman.last("POST", "/images/alpine/push").query
    assert query["destination"] == ["localhost:5000/a"]
    assert query["format"] == ["oci"]
    assert ask.more("PushImage", **given)[-1] == {"reply": {"logs": [], "id": IMAGE_ID}}


def test_a_push_that_fails(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/images/alpine/json", IMAGE_INSPECTED)
    podman.on("POST", "/images/alpine/push", lines({"error": "denied"}))
    with pytest.raises(Refused, match="denied"):
        ask("PushImage", name="alpine")
    assert podman.last("POST", "/images/alpine/push").query["destination"] == ["alpine"]


@pytest.mark.parametrize("more", [False, True])
def test_a_build(ask: Asking, podman: FakePodman, *, more: bool) -> None:
    podman.on("POST", "/build", BUILT)
    path = brought(ask)
    build = {"contextDir": path, "output": "mine"}
    told = ask.more("BuildImage", build=build)[-1] if more else ask("BuildImage", build=build)
    assert told["image"]["id"] == IMAGE_ID
    asked = podman.last("POST", "/build")
    assert (asked.body, asked.query["t"]) == (b"a tar file", ["mine"])
    assert asked.headers["Content-Type"] == "application/x-tar"
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        ({"contextDir": "/absent.tar"}, "no file"),
        ({}, "no path"),
        ({"contextDir": "/context.tar", "buildOptions": {"shmSize": "x"}}, "no size"),
        ({"contextDir": "/context.tar"}, "RUN failed"),
    ],
)
def test_a_build_that_fails(
    ask: Asking, podman: FakePodman, build: dict[str, Any], reason: str
) -> None:
    podman.on("POST", "/build", lines({"stream": "STEP 1"}, {"error": "RUN failed"}))
    brought(ask)
    with pytest.raises(Refused, match=reason):
        ask("BuildImage", build=build)


def test_a_build_that_is_refused_before_all_of_it_is_sent(ask: Asking, podman: FakePodman) -> None:
    def refuse(handler: Any) -> None:
        told = b'{"message": "invalid platform"}'
        handler.send_response(400)
        handler.send_header("Content-Length", str(len(told)))
        handler.end_headers()
        handler.wfile.write(told)

    podman.answers["POST", "/build"] = refuse
    podman.unread.add("/build")
    with ask.spool.draft("context.tar") as draft:
        draft.file.write(b"x" * (8 << 20))
    with pytest.raises(Refused, match="invalid platform"):
        ask("BuildImage", build={"contextDir": "context.tar"})
