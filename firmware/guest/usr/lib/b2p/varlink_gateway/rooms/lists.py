"""Containers as lists tell of them."""

from __future__ import annotations

import time

from ..errors import RestError, not_found
from ..shapes import containers as shape
from ..shapes.words import filters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

REMEMBERED = 1000
"""Containers whose mounts are remembered."""


def list_containers(call: Call) -> Json:
    """All of them."""
    return {"containers": _listed(call, {})}


def get_containers_by_status(call: Call) -> Json:
    """Those in one of the states; none for no state."""
    states = shape.new_states(call["status"])
    return {"containerS": _listed(call, {"status": states}) if states else []}


def get_container(call: Call) -> Json:
    """One, by name or the start of its id."""
    identity = call.rest.get("containers", call["id"], "json")["Id"]
    found = _listed(call, {"id": [identity]})
    if not found:
        raise RestError(404, f"no container with name or ID {call['id']!r} found")
    return {"container": found[0]}


def ps(call: Call) -> Json:
    """A line a container, as the command of that name prints them."""
    options = call["opts"]
    query = {
        "all": options["all"],
        "limit": 1 if options["latest"] else max(options["last"] or 0, 0) or None,
        "namespace": True,
        "size": options["size"],
        "sync": options["sync"],
        "filters": filters(options["filters"]) or None,
    }
    now = time.time()
    listed = call.rest.get("containers", "json", **query) or []
    lines = [shape.ps_container(line, now) for line in listed]
    return {"containers": shape.ordered(lines, options["sort"])}


def get_containers_by_context(call: Call) -> Json:
    """Ids of all, of the latest, or of those named."""
    if call["all"] or call["latest"]:
        limit = None if call["all"] else 1
        listed = call.rest.get("containers", "json", all=True, limit=limit) or []
        return {"containers": [line["Id"] for line in listed]}
    try:
        return {
            "containers": [call.rest.get("containers", name, "json")["Id"] for name in call["args"]]
        }
    except RestError as error:
        raise not_found("Container", "", error.message) if error.status == 404 else error from error


def _listed(call: Call, wanted: Json) -> list[Json]:
    query = {"all": True, "size": True, "namespace": True, "filters": wanted or None}
    listed = call.rest.get("containers", "json", **query) or []
    now = time.time()
    found = [shape.container(line, _mounts(call, line), now) for line in listed]
    if not wanted:
        _forget(call, {line["Id"] for line in listed})
    return found


def _mounts(call: Call, listed: Json) -> list[Json]:
    """Mounts in full, which the list does not give. They never change: each is asked for once."""
    identity = listed["Id"]
    if not listed.get("Mounts"):
        return []
    known = call.gateway.mounts
    mounts = known.get(identity)
    if mounts is None:
        try:
            mounts = call.rest.get("containers", identity, "json").get("Mounts") or []
        except RestError as error:
            if error.status != 404:
                raise
            return []  # it was removed since it was listed
        if len(known) >= REMEMBERED:
            known.clear()
        known[identity] = mounts
    return mounts


def _forget(call: Call, present: set[str]) -> None:
    """Other threads add to what is known while this one looks."""
    for identity in list(call.gateway.mounts):
        if identity not in present:
            call.gateway.mounts.pop(identity, None)
