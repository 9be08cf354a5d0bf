from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused, descriptors, given_back, watchers
from tests.varlink.fake_podman import log
from tests.varlink.podman_json import CONTAINER_ID, INSPECTED, LISTED, OTHER_ID

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

OUT = log(1, "2026-01-02T03:04:05Z one\n")
ERR = log(2, "2026-01-02T03:04:06Z two")
RAW = ["2026-01-02T03:04:05Z stdout F one\n", "2026-01-02T03:04:06Z stderr P two\n"]
END = {"device": "", "parseLogType": "", "time": "", "msg": "", "cid": ""}


@pytest.fixture
def two(podman: FakePodman) -> FakePodman:
    for name, identity in (("web", CONTAINER_ID), ("db", OTHER_ID)):
        podman.on("GET", f"/containers/{name}/json", {**INSPECTED, "Id": identity})
        podman.on("GET", f"/containers/{identity}/logs", [OUT, ERR])
    podman.on("GET", "/containers/web/logs", [OUT + ERR[:4], ERR[4:]])
    return podman


def endless(handler: Any) -> None:
    """A container that writes for as long as somebody reads, or five seconds."""
    began = time.monotonic()
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while time.monotonic() < began + 5:
        handler.wfile.write(f"{len(OUT):x}\r\n".encode() + OUT + b"\r\n")


def test_a_whole_log(ask: Asking, two: FakePodman) -> None:
    assert ask("GetContainerLogs", name="web") == {"container": RAW}
    query = two.last("GET", "/containers/web/logs").query
    assert query == {"stdout": ["true"], "stderr": ["true"], "timestamps": ["true"]}


def test_a_log_that_is_followed_ends_with_the_container(ask: Asking, two: FakePodman) -> None:
    with pytest.raises(Refused, match="does not run any more"):
        ask.more("GetContainerLogs", name="web")
    assert two.last("GET", "/containers/web/logs").query["follow"] == ["true"]


def test_a_log_that_breaks_off(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/containers/web/logs", [OUT], cut=True)
    for asked in (ask, ask.more):
        with pytest.raises(Refused, match="too early"):
            asked("GetContainerLogs", name="web")


def test_a_container_that_is_not_there(ask: Asking, two: FakePodman) -> None:
    for given in ({"name": "nobody"}, {"names": ["web", "nobody"]}):
        method = "GetContainerLogs" if "name" in given else "GetContainersLogs"
        with pytest.raises(Refused) as caught:
            ask(method, **given)
        assert caught.value.name == "io.podman.ContainerNotFound"
        assert caught.value.parameters["id"] == "nobody"


def test_logs_of_several(ask: Asking, two: FakePodman) -> None:
    told = [one["log"] for one in ask.more("GetContainersLogs", names=["web", "db"], tail=5)]
    assert [(line["cid"], line["msg"]) for line in told] == [
        (CONTAINER_ID, "one"),
        (CONTAINER_ID, "two"),
        (OTHER_ID, "one"),
        (OTHER_ID, "two"),
        ("", ""),
    ]
    assert told[-1] == END
    assert two.last("GET", f"/containers/{OTHER_ID}/logs").query["tail"] == ["5"]


def test_logs_once(ask: Asking, two: FakePodman) -> None:
    told = ask("GetContainersLogs", names=["web"], since="2026-01-01T00:00:00Z")["log"]
    assert (told["msg"], told["device"], told["parseLogType"]) == ("one", "stdout", "F")
    assert ask("GetContainersLogs") == {"log": END}


def test_the_log_of_the_latest(ask: Asking, two: FakePodman) -> None:
    two.on("GET", "/containers/json", [LISTED])
    two.on("GET", f"/containers/{CONTAINER_ID}/json", INSPECTED)
    assert len(ask.more("GetContainersLogs", latest=True)) == 3
    assert two.last("GET", "/containers/json").query == {"all": ["true"], "limit": ["1"]}


def test_several_are_followed_at_once(ask: Asking, two: FakePodman) -> None:
    told = [one["log"] for one in ask.more("GetContainersLogs", names=["web", "db"], follow=True)]
    assert sorted(line["cid"] for line in told) == sorted(["", *[CONTAINER_ID, OTHER_ID] * 2])
    assert told[-1] == END
    assert watchers() == []


def test_one_of_several_breaks_off(ask: Asking, two: FakePodman) -> None:
    two.answers["GET", f"/containers/{CONTAINER_ID}/logs"] = endless
    two.answers["GET", f"/containers/{OTHER_ID}/logs"].clear()
    two.on("GET", f"/containers/{OTHER_ID}/logs", [OUT], cut=True)
    began = time.monotonic()
    reader = threading.Thread(target=heard, args=(ask,), daemon=True)
    reader.start()
    call = {"method": "io.podman.GetContainersLogs", "more": True,
            "parameters": {"names": ["web", "db"], "follow": True}}  # fmt: skip
    assert ask.dispatch.answer(ask.connection, call) is None
    assert time.monotonic() < began + 4
    assert watchers() == []
    ask.connection.socket.shutdown(socket.SHUT_WR)
    reader.join(5)


def heard(ask: Asking) -> None:
    """Takes what comes; the last of it is the error."""
    told = b""
    while data := ask.here.recv(1 << 16):
        told = (told + data)[-500:]
    assert b"too early" in told


def test_a_client_that_leaves_while_several_are_followed(
    ask: Asking, gateway: Any, two: FakePodman
) -> None:
    began = time.monotonic()
    for identity in (CONTAINER_ID, OTHER_ID):
        two.answers["GET", f"/containers/{identity}/logs"] = endless
    call = {"method": "io.podman.GetContainersLogs", "more": True,
            "parameters": {"names": ["web", "db"], "follow": True}}  # fmt: skip
    before = descriptors()
    ask.here.close()
    with pytest.raises(gateway("wire").VanishedError):
        ask.dispatch.answer(ask.connection, call)
    assert watchers() == []
    assert given_back(before)
    assert time.monotonic() < began + 5
