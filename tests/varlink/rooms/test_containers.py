from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.fake_podman import lines
from tests.varlink.podman_json import CONTAINER_ID, IMAGE_ID, INSPECTED

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

WEB = "/containers/web"
WRONG_STATE = "container c0ffee is not in the right state: container state improper"

# method, its parameters, the request, its query
ACTS: list[tuple[str, dict[str, Any], str, dict[str, list[str]]]] = [
    ("StartContainer", {}, "start", {}),
    ("StopContainer", {"timeout": 5}, "stop", {"timeout": ["5"]}),
    ("StopContainer", {}, "stop", {"timeout": ["0"]}),
    ("InitContainer", {}, "init", {}),
    ("RestartContainer", {"timeout": 5}, "restart", {"timeout": ["5"]}),
    ("KillContainer", {"signal": 9}, "kill", {"signal": ["9"]}),
    ("KillContainer", {"signal": -1}, "kill", {"signal": ["15"]}),
    ("PauseContainer", {}, "pause", {}),
    ("UnpauseContainer", {}, "unpause", {}),
]


@pytest.mark.parametrize(("method", "given", "verb", "query"), ACTS)
def test_what_is_done_answers_the_full_id(
    ask: Asking, podman: FakePodman, method: str, given: Any, verb: str, query: Any
) -> None:
    podman.on("GET", f"{WEB}/json", INSPECTED)
    podman.on("POST", f"{WEB}/{verb}", status=204)
    assert ask(method, name="web", **given) == {"container": CONTAINER_ID}
    assert podman.last("POST", f"{WEB}/{verb}").query == query


@pytest.mark.parametrize("method", sorted({act[0] for act in ACTS} | {
    "WaitContainer", "RemoveContainer", "EvictContainer", "ContainerCheckpoint",
    "ContainerRestore", "Commit",
}))  # fmt: skip
def test_a_container_that_is_not_there(ask: Asking, method: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method, name="web")
    assert caught.value.name == "io.podman.ContainerNotFound"
    assert caught.value.parameters["id"] == "web"
    assert "no such object" in caught.value.parameters["reason"]


@pytest.mark.parametrize("method", ["StartContainer", "MountContainer", "PauseContainer"])
def test_a_refusal_is_told_in_podmans_words(ask: Asking, podman: FakePodman, method: str) -> None:
    verb = method.removesuffix("Container").lower()
    podman.refuse("POST", f"{WEB}/{verb}", 500, "crun: no")
    with pytest.raises(Refused) as caught:
        ask(method, name="web")
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert caught.value.parameters == {"reason": "crun: no"}


@pytest.mark.parametrize(
    ("method", "verb", "status", "error"),
    [
        ("StartContainer", "start", 304, "ErrorOccurred"),
        ("StopContainer", "stop", 304, "ErrCtrStopped"),
        ("InitContainer", "init", 304, "InvalidState"),
    ],
)
def test_nothing_to_do_is_an_error(
    ask: Asking, podman: FakePodman, method: str, verb: str, status: int, error: str
) -> None:
    podman.on("GET", f"{WEB}/json", INSPECTED)
    podman.on("POST", f"{WEB}/{verb}", status=status)
    with pytest.raises(Refused) as caught:
        ask(method, name="web")
    assert caught.value.name == f"io.podman.{error}"
    assert caught.value.parameters.get("id", CONTAINER_ID) == CONTAINER_ID


@pytest.mark.parametrize(
    ("method", "request_", "status"),
    [
        ("StopContainer", ("POST", f"{WEB}/stop"), 500),
        ("InitContainer", ("POST", f"{WEB}/init"), 409),
        ("RemoveContainer", ("DELETE", WEB), 500),
    ],
)
def test_a_wrong_state(
    ask: Asking, podman: FakePodman, method: str, request_: tuple[str, str], status: int
) -> None:
    podman.on("GET", f"{WEB}/json", INSPECTED)
    podman.refuse(*request_, status, WRONG_STATE)
    with pytest.raises(Refused) as caught:
        ask(method, name="web")
    assert caught.value.name == "io.podman.InvalidState"
    assert caught.value.parameters == {"id": CONTAINER_ID, "reason": WRONG_STATE}


@pytest.mark.parametrize(
    ("method", "given", "query"),
    [
        ("RemoveContainer", {"removeVolumes": True}, {"force": ["false"], "v": ["true"]}),
        ("RemoveContainer", {"force": True}, {"force": ["true"], "v": ["false"]}),
        ("EvictContainer", {}, {"force": ["true"], "v": ["false"]}),
    ],
)
def test_removing(ask: Asking, podman: FakePodman, method: str, given: Any, query: Any) -> None:
    podman.on("GET", f"{WEB}/json", INSPECTED)
    podman.on("DELETE", WEB, [{"Id": CONTAINER_ID, "Err": None}])
    assert ask(method, name="web", **given) == {"container": CONTAINER_ID}
    assert podman.last("DELETE", WEB).query == query


def test_a_removal_that_fails_behind_a_success(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", f"{WEB}/json", INSPECTED)
    podman.on("DELETE", WEB, [{"Id": CONTAINER_ID, "Err": "device busy"}])
    with pytest.raises(Refused) as caught:
        ask("RemoveContainer", name="web")
    assert caught.value.parameters == {"reason": "device busy"}


def test_waiting(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", f"{WEB}/wait", 3)
    assert ask("WaitContainer", name="web") == {"exitcode": 3}
    assert podman.last("POST", f"{WEB}/wait").query == {}
    ask("WaitContainer", name="web", interval=250_000_000)
    assert podman.last("POST", f"{WEB}/wait").query == {"interval": ["250000000ns"]}


def test_creating(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/containers/create", {"Id": CONTAINER_ID, "Warnings": []}, status=201)
    create = {"args": ["alpine", "true"], "name": "web"}
    assert ask("CreateContainer", create=create) == {"container": CONTAINER_ID}
    assert podman.last("POST", "/containers/create").json == {
        "image": "alpine",
        "command": ["true"],
        "name": "web",
    }


def test_a_missing_image_is_pulled(ask: Asking, podman: FakePodman) -> None:
    podman.refuse("POST", "/containers/create", 404, "no such image: alpine")
    podman.on("POST", "/containers/create", {"Id": CONTAINER_ID}, status=201)
    podman.on("POST", "/images/pull", lines({"stream": "Copying"}, {"images": [IMAGE_ID]}))
    create = {"args": ["alpine"], "overrideArch": "arm64"}
    assert ask("CreateContainer", create=create) == {"container": CONTAINER_ID}
    query = podman.last("POST", "/images/pull").query
    assert query == {"reference": ["alpine"], "Arch": ["arm64"]}


@pytest.mark.parametrize(
    ("create", "reason"),
    [
        ({}, "'args' is empty"),
        ({"args": ["alpine"], "publish": ["x"]}, "no port"),
        ({"args": ["alpine"], "pull": "never"}, "no such image"),
        ({"args": ["alpine"]}, "manifest unknown"),
    ],
)
def test_creating_fails(ask: Asking, podman: FakePodman, create: Any, reason: str) -> None:
    podman.refuse("POST", "/containers/create", 404, "no such image: alpine")
    podman.on("POST", "/images/pull", lines({"error": "manifest unknown"}))
    with pytest.raises(Refused) as caught:
        ask("CreateContainer", create=create)
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert reason in caught.value.parameters["reason"]


def test_deleting_all_that_do_not_run(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/containers/prune", [{"Id": "a", "Size": 1}, {"Id": "b", "Err": "no"}])
    assert ask("DeleteStoppedContainers") == {"containers": ["a"]}
    podman.forget()
    podman.refuse("POST", "/containers/prune", 500, "storage is locked")
    with pytest.raises(Refused, match="storage is locked"):
        ask("DeleteStoppedContainers")


def test_checkpoint_and_restore(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", f"{WEB}/checkpoint", {"Id": CONTAINER_ID})
    podman.on("POST", f"{WEB}/restore", {"Id": CONTAINER_ID})
    assert ask("ContainerCheckpoint", name="web", leaveRunning=True) == {"id": CONTAINER_ID}
    query = podman.last("POST", f"{WEB}/checkpoint").query
    assert query == {"keep": ["false"], "leaveRunning": ["true"], "tcpEstablished": ["false"]}
    assert ask("ContainerRestore", name="web", keep=True) == {"id": CONTAINER_ID}


@pytest.mark.parametrize("told", [b"/merged", b'"/merged"\n'])
def test_mounting(ask: Asking, podman: FakePodman, told: bytes) -> None:
    podman.on("POST", f"{WEB}/mount", told)
    podman.on("POST", f"{WEB}/unmount", status=204)
    podman.on("GET", "/containers/showmounted", {CONTAINER_ID: "/merged"})
    assert ask("MountContainer", name="web") == {"path": "/merged"}
    assert ask("UnmountContainer", name="web", force=True) == {}
    assert ask("ListContainerMounts") == {"mounts": {CONTAINER_ID: "/merged"}}


@pytest.mark.parametrize("method", ["MountContainer", "UnmountContainer"])
def test_mounting_what_is_not_there_is_an_error_of_no_kind(ask: Asking, method: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method, name="web")
    assert caught.value.name == "io.podman.ErrorOccurred"


def test_mounts_that_cannot_be_listed(ask: Asking, podman: FakePodman) -> None:
    podman.refuse("GET", "/containers/showmounted", 500, "no")
    with pytest.raises(Refused):
        ask("ListContainerMounts")


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({}, {}),
        ({"message": "m"}, {"comment": ["m"], "format": ["docker"]}),
        ({"message": "m", "manifestType": "oci"}, {"comment": ["m"], "format": ["oci"]}),
        ({"changes": ["CMD=/bin/sh", "ENV A=b"]}, {"changes": ["CMD /bin/sh", "ENV A=b"]}),
        ({"author": "a", "pause": True}, {"author": ["a"], "pause": ["true"]}),
    ],
)
def test_committing(ask: Asking, podman: FakePodman, given: Any, query: Any) -> None:
    podman.on("GET", f"{WEB}/json", INSPECTED)
    podman.on("POST", "/commit", {"Id": f"sha256:{IMAGE_ID}"})
    given = {"name": "web", "image_name": "localhost:5000/a:1", **given}
    assert ask("Commit", **given) == {"reply": {"logs": [], "id": IMAGE_ID}}
    asked = podman.last("POST", "/commit").query
    fixed = {"container": [CONTAINER_ID], "repo": ["localhost:5000/a"], "tag": ["1"]}
    assert asked == {"pause": ["false"], **fixed, **query}
    assert ask.more("Commit", **given) == [{"reply": {"logs": [], "id": IMAGE_ID}}]
