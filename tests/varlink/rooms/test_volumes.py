from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.varlink.asking import Refused
from tests.varlink.podman_json import VOLUME

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman


def test_creating(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/volumes/create", VOLUME, status=201)
    assert ask("VolumeCreate", options={"volumeName": "data"}) == {"volumeName": "data"}
    assert podman.last("POST", "/volumes/create").json == {"Name": "data"}
    podman.forget()
    podman.refuse("POST", "/volumes/create", 500, "volume already exists")
    with pytest.raises(Refused, match="already exists"):
        ask("VolumeCreate", options={"volumeName": "data"})


def test_removing(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/volumes/json", [VOLUME, {**VOLUME, "Name": "used"}])
    podman.on("DELETE", "/volumes/data", status=204)
    podman.refuse("DELETE", "/volumes/used", 409, "volume is being used")
    wanted = {"successes": ["data"], "failures": {"used": "volume is being used"}}
    assert ask("VolumeRemove", options={"volumes": ["data", "used"]}) == wanted
    assert ask("VolumeRemove", options={"all": True, "force": True}) == wanted
    assert podman.last("DELETE", "/volumes/data").query == {"force": ["true"]}


def test_removing_all_when_they_cannot_be_listed(ask: Asking, podman: FakePodman) -> None:
    podman.refuse("GET", "/volumes/json", 500, "locked")
    with pytest.raises(Refused, match="locked"):
        ask("VolumeRemove", options={"all": True})


def test_lists(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/volumes/json", [VOLUME])
    podman.on("GET", "/volumes/data/json", VOLUME)
    (told,) = ask("GetVolumes")["volumes"]
    assert told["name"] == "data"
    assert ask("GetVolumes", args=["data"])["volumes"] == [told]
    assert json.loads(ask("InspectVolume", name="data")["volume"]) == VOLUME


def test_no_volumes(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/volumes/json", b"null")
    assert ask("GetVolumes", all=True) == {"volumes": []}


def test_one_that_is_not_there(ask: Asking) -> None:
    for method, given in (("GetVolumes", {"args": ["x"]}), ("InspectVolume", {"name": "x"})):
        with pytest.raises(Refused) as caught:
            ask(method, **given)
        assert caught.value.name == "io.podman.ErrorOccurred"


def test_pruning(ask: Asking, podman: FakePodman) -> None:
    podman.on(
        "POST", "/volumes/prune", [{"Id": "a", "Err": None, "Size": 0}, {"Id": "b", "Err": "no"}]
    )
    assert ask("VolumesPrune") == {"prunedNames": ["a"], "prunedErrors": ["b: no"]}
    podman.forget()
    podman.refuse("POST", "/volumes/prune", 500, "locked")
    with pytest.raises(Refused, match="locked"):
        ask("VolumesPrune")
