"""Logs, whole or as they are written."""

from __future__ import annotations

from contextlib import ExitStack, closing
from queue import Queue
from threading import Thread

from ..errors import RestError, error_occurred, not_found
from ..shapes.logs import END, log_line, raw_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from ..call import Call
    from ..rest import Response

    Json = dict[str, Any]

AHEAD = 64
"""Lines read ahead of a slow client, when several logs are followed."""


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
        listed = call.rest.get("containers", "json", all=True, limit=1) or ()
        names = [line["Id"] for line in listed]
    lines = _lines(call, [_id(call, name) for name in names])
    if call.more:
        return _closed(lines)
    with closing(lines):
        return {"log": next(lines, END)}


def _id(call: Call, name: str) -> str:
    try:
        identity: str = call.rest.get("containers", name, "json")["Id"]
    except RestError as error:
        raise (
            not_found("Container", name, error.message) if error.status == 404 else error
        ) from error
    return identity


def _closed(lines: Generator[Json, None, None]) -> Generator[Json, None, Json]:
    with closing(lines):
        for line in lines:
            yield {"log": line}
    return {"log": END}


def _lines(call: Call, identities: list[str]) -> Generator[Json, None, None]:
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


def _together(call: Call, identities: list[str], query: Json) -> Generator[Json, None, None]:
    """Follows several logs at once, a thread for each, until all have ended."""
    lines: Queue[Json | RestError | None] = Queue(AHEAD)
    with ExitStack() as stack:
        for identity in identities:
            response = stack.enter_context(_open(call, identity, **query))
            reader = Thread(target=_read, args=(response, identity, lines), daemon=True)
            stack.callback(_stop, response, reader, lines)
            reader.start()
        running = len(identities)
        while running:
            line = lines.get()
            if isinstance(line, RestError):
                raise line
            if line:
                yield line
            else:
                running -= 1


def _read(response: Response, identity: str, lines: Queue[Json | RestError | None]) -> None:
    """Puts the lines of a log, then None, or what went wrong."""
    try:
        for device, line in response.frames():
            lines.put(log_line(device, line, identity))
    except RestError as error:
        lines.put(error)
    else:
        lines.put(None)


def _stop(response: Response, reader: Thread, lines: Queue[Json | RestError | None]) -> None:
    """Ends a reader, who may wait for room in the queue."""
    response.abort()
    while reader.is_alive():
        while not lines.empty():
            lines.get()
        reader.join(0.05)


def _open(call: Call, name: str, **query: Any) -> Response:
    query = {"stdout": True, "stderr": True, "timestamps": True, **query}
    client = call.connection.socket if query.get("follow") else None
    return call.rest.open("GET", "containers", name, "logs", query=query, client=client)
