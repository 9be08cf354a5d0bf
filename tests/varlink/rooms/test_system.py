from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.fake_podman import lines
from tests.varlink.podman_json import CONTAINER_ID, EVENT, INFO, VERSION

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

NO_EVENT = {"id": "", "image": "", "name": "", "status": "", "time": "", "type": ""}


def test_the_version_is_remembered_but_podman_must_live(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/version", VERSION)
    for _ in range(2):
        assert ask("GetVersion")["version"] == "5.4.2"
    assert len(podman.asked) == 1
    ask.dispatch.gateway.rest.path = "/nowhere"
    with pytest.raises(Refused, match="podman does not answer"):
        ask("GetVersion")


def test_info(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/info", INFO)
    told = ask("GetInfo")["info"]
    assert told["host"]["hostname"] == "b2p"
    assert told["insecure_registries"] == ["localhost:5000"]
    podman.forget()
    podman.refuse("GET", "/info", 500, "no cgroups")
    with pytest.raises(Refused, match="no cgroups"):
        ask("GetInfo")


def test_events_that_were(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/events", lines(EVENT, EVENT))
    told = ask("GetEvents", since="1h", filter=["event=start"])["events"]
    assert (told["id"], told["status"]) == (CONTAINER_ID, "start")
    asked = podman.last("GET", "/events")
    assert asked.query["stream"] == ["false"]
    assert asked.query["since"] == ["1h"]
    assert asked.filters() == {"event": ["start"]}


def test_no_events(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/events", b"")
    assert ask("GetEvents") == {"events": NO_EVENT}


def test_events_as_they_come(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/events", lines(EVENT, {**EVENT, "Action": "died"}))
    told = [reply["events"] for reply in ask.more("GetEvents")]
    assert [event["status"] for event in told] == ["start", "died", ""]
    assert told[-1] == NO_EVENT
    assert podman.last("GET", "/events").query == {"stream": ["true"]}


@pytest.mark.parametrize("body", [lines(EVENT), [b"{broken\n"]])
def test_events_that_break_off(ask: Asking, podman: FakePodman, body: Any) -> None:
    podman.on("GET", "/events", body, cut=True)
    with pytest.raises(Refused) as caught:
        ask.more("GetEvents")
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert "podman" in caught.value.parameters["reason"]


def test_a_filter_that_is_no_filter(ask: Asking, podman: FakePodman) -> None:
    podman.refuse("GET", "/events", 500, "invalid filter")
    for asked in (ask, ask.more):
        with pytest.raises(Refused, match="invalid filter"):
            asked("GetEvents", filter=["odd"])
