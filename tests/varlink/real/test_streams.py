"""Logs and events with `more`, calls without a reply, upgraded connections: all as it happens."""

from __future__ import annotations

import json
import re
import time

import pytest

from scripts.lib.varlink_wire import ERROR, HANG_UP, IN, OUT, QUIT, RESIZE, Refused
from tests.boot.person import await_true
from tests.varlink.real.service import Service, conversation

pytestmark = pytest.mark.varlink

ON_A_WORD = ("sh", "-c", "echo begun; while [ ! -e /tmp/go ]; do sleep 0.2; done; echo gone")


def let_go(service: Service, name: str) -> None:
    """Let a container of ON_A_WORD end."""
    assert service.execute(name, "touch", "/tmp/go") == (0, "")


def test_a_line_of_a_log_comes_before_the_container_ends(service: Service) -> None:
    name = service.run(*ON_A_WORD)
    with service.connect() as wire:
        replies = wire.more("GetContainerLogs", name=name)
        assert next(replies)["container"][0].endswith(" stdout F begun\n")
        assert service("GetContainer", id=name)["status"] == "running"
        let_go(service, name)
        assert next(replies)["container"][0].endswith(" stdout F gone\n")
        with pytest.raises(Refused, match="does not run any more"):
            next(replies)
        assert wire("ContainerExists", name=name) == 0


def test_the_logs_of_several_containers_come_together(service: Service) -> None:
    names = [service.run(*ON_A_WORD) for _ in range(2)]
    ids = [service("GetContainer", id=name)["id"] for name in names]
    with service.connect() as wire:
        replies = (told["log"] for told in wire.more("GetContainersLogs", names=names, follow=True))
        begun = [next(replies) for _ in names]
        assert sorted(line["cid"] for line in begun) == sorted(ids)
        let_go(service, names[1])
        line = next(replies)
        assert (line["cid"], line["msg"], line["device"]) == (ids[1], "gone", "stdout")
        let_go(service, names[0])
        assert [(line["cid"], line["msg"]) for line in replies] == [(ids[0], "gone"), ("", "")]


def test_an_event_comes_when_it_happens(service: Service) -> None:
    name = service.create("true")
    identity = service("GetContainer", id=name)["id"]
    with service.connect() as wire:
        wish = {"filter": [f"container={name}"], "since": str(int(time.time()) - 600)}
        events = (told["events"] for told in wire.more("GetEvents", **wish))
        assert next(events)["status"] == "create"
        service("StartContainer", name=name)
        seen = next(event for event in events if event["status"] == "start")
    assert (seen["id"], seen["name"], seen["type"]) == (identity, name, "container")


def test_a_oneway_call_is_done_and_not_answered(service: Service) -> None:
    name = service.create("true")
    with service.connect() as wire:
        wire.send("RemoveContainer", {"name": name}, oneway=True)
        wire.send("RemoveContainer", {"name": "nobody"}, oneway=True)
        assert wire("ContainerExists", name=name) == 1


def test_a_command_in_a_container_hears_and_tells_its_status(service: Service) -> None:
    name = service.run()
    options = {"name": name, "cmd": ["sh", "-c", "cat; echo no >&2; exit 3"]}
    with service.connect() as wire:
        assert wire.upgrade("ExecContainer", opts=options) == {}
        wire.frame(IN, b"through\n")
        wire.frame(HANG_UP, b"")
        frames = list(wire.frames())
    assert frames[-1] == (QUIT, (3).to_bytes(4, "big"))
    assert b"".join(data for where, data in frames if where == OUT) == b"through\n"
    assert b"".join(data for where, data in frames if where == ERROR) == b"no\n"


def test_a_terminal_in_a_container_has_the_size_of_the_callers(service: Service) -> None:
    name = service.run()
    line = "until stty size 2>/dev/null | grep -q '33 111'; do sleep 0.2; done; stty size"
    options = {"name": name, "cmd": ["sh", "-c", line], "tty": True}
    with service.connect() as wire:
        wire.upgrade("ExecContainer", opts=options)
        wire.frame(RESIZE, json.dumps({"Width": 111, "Height": 33}).encode())
        assert conversation(wire) == (0, "33 111\r\n")


def test_who_attaches_with_start_hears_the_first_word(service: Service) -> None:
    name = service.create("sh", "-c", "echo begun; read word; echo $word; exit 4", interactive=True)
    with service.connect() as wire:
        wire.upgrade("Attach", name=name, start=True)
        wire.frame(IN, b"through\n")
        assert conversation(wire) == (4, "begun\nthrough\n")


def test_who_leaves_an_attached_container_leaves_it_running(service: Service) -> None:
    name = service.run("sh", "-c", "while :; do echo more; sleep 0.2; done")
    with service.connect() as wire:
        wire.upgrade("Attach", name=name)
        assert next(wire.frames()) == (OUT, b"more\n")
    assert service("GetContainer", id=name)["status"] == "running"


@pytest.mark.parametrize("method", ["Attach", "ExecContainer", "SendFile", "ReceiveFile"])
def test_what_needs_an_upgraded_connection_says_so(service: Service, method: str) -> None:
    assert re.search("upgraded connection", service.refusal(method, name="x").parameters["reason"])


def test_a_stream_goes_on_for_as_long_as_somebody_listens(service: Service) -> None:
    name = service.run("sh", "-c", "while :; do echo more; sleep 0.1; done")
    with service.connect() as wire:
        replies = wire.more("GetContainerLogs", name=name)
        for _ in range(20):
            assert next(replies)["container"][0].endswith("more\n")
    await_true("the other calls", lambda: service("ContainerExists", name=name) == 0)
