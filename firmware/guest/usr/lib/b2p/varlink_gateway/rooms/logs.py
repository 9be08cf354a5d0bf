"""Logs, whole or as they are written."""

from __future__ import annotations

from contextlib import ExitStack

from ..errors import error_occurred
from ..shapes.logs import END, log_line, raw_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from ..call import Call
    from ..rest import Response

    Json = dict[str, Any]


def get_container_logs(call: Call) -> Json | Generator[Json, None, Json]:
    """The log so far; with `more` a reply for each line, for as long as the container runs."""
    if call.more:
        return _followed(call)
    with _open(call, call["name"]) as response:
        return {"container": [raw_line(device, line) for device, line in response.frames()]}


def _followed(call: Call) -> Generator[Json, None, Json]:
    with _open(call, call["name"], follow=True) as response:
        for device, line in response.frames():
            yield {"container": [raw_line(device, line)]}
    raise error_occurred(f"container {call['name']!r} does not run any more")


def get_containers_logs(call: Call) -> Json | Generator[Json, None, Json]:
    """A line a reply; an empty one ends it."""
    names = call["names"]
    if call["latest"]:
        names = [
            line["Id"] for line in call.rest.get("containers", "json", all=True, limit=1) or ()
        ]
    lines = _lines(call, [call.rest.get("containers", name, "json")["Id"] for name in names])
    return _closed(lines) if call.more else {"log": next(lines, END)}


def _closed(lines: Iterator[Json]) -> Generator[Json, None, Json]:
    for line in lines:
        yield {"log": line}
    return {"log": END}


def _lines(call: Call, identities: list[str]) -> Iterator[Json]:
    query = {
        "since": call["since"] or None,
        "tail": call["tail"] if call["tail"] > 0 else None,
        "follow": call["follow"] and call.more,
    }
    if query["follow"] and len(identities) > 1:
        yield from _together(call, identities, query)
        return
    for identity in identities:
        with _open(call, identity, **query) as response:
            for device, line in response.frames():
                yield log_line(device, line, identity)


def _together(call: Call, identities: list[str], query: Json) -> Iterator[Json]:
    """Follows several logs at once, a thread for each, until all have ended."""
    from queue import SimpleQueue
    from threading import Thread

    lines: SimpleQueue[Json | None] = SimpleQueue()

    def read(identity: str, response: Response) -> None:
        for device, line in response.frames():
            lines.put(log_line(device, line, identity))
        lines.put(None)

    with ExitStack() as stack:
        for identity in identities:
            response = stack.enter_context(_open(call, identity, **query))
            stack.callback(response.abort)
            Thread(target=read, args=(identity, response), daemon=True).start()
        running = len(identities)
        while running:
            line = lines.get()
            running -= line is None
            if line is not None:
                yield line


def _open(call: Call, name: str, **query: Any) -> Response:
    query = {"stdout": True, "stderr": True, "timestamps": True, **query}
    client = call.connection.socket if query.get("follow") else None
    return call.rest.open("GET", "containers", name, "logs", query=query, client=client)
