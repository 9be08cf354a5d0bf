"""The engine itself."""

from __future__ import annotations

from ..shapes.system import event, info, version
from ..shapes.words import filters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def get_version(call: Call) -> Json:
    """podman is asked whether it lives; the rest is remembered for as long as it is that podman."""
    known = call.gateway.versions
    server = call.rest.ping()
    if server not in known:
        with call.rest.request("GET", "/version") as response:
            known[server] = version(response.json())
    return known[server]


def get_info(call: Call) -> Json:
    """The machine, its store and its registries."""
    return {"info": info(call.rest.get("info"))}


def get_events(call: Call) -> Json | Generator[Json, None, Json]:
    """Each event a reply; without `more` the first of those that have happened."""
    query = {
        "stream": call.more,
        "since": call["since"] or None,
        "until": call["until"] or None,
        "filters": filters(call["filter"]) or None,
    }
    if call.more:
        return _followed(call, query)
    with call.rest.open("GET", "events", query=query) as response:
        told = next(response.objects(), None)
        return {"events": event(told) if told else {}}


def _followed(call: Call, query: Json) -> Generator[Json, None, Json]:
    with call.rest.open("GET", "events", query=query, client=call.connection.socket) as response:
        for told in response.objects():
            yield {"events": event(told)}
    return {"events": {}}
