"""Images on their way: pulled, pushed and built, with lines of progress as they come."""

from __future__ import annotations

import base64
import json
import re

from ..errors import RestError, error_occurred
from ..shapes.build import query as build_query
from .archives import loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import Any

    from ..call import Call
    from ..rest import Response

    Json = dict[str, Any]

ID = re.compile(r"^(?:sha256:)?([0-9a-f]{64})$")
ARCHIVES = ("docker-archive:", "oci-archive:")


def pull_image(call: Call) -> Json | Generator[Json, None, Json]:
    """From a registry, or from an archive in the spool."""
    name = call["name"]
    for transport in ARCHIVES:
        if name.startswith(transport):
            names = loaded(call, name.removeprefix(transport))
            return {"reply": {"logs": [], "id": _id(call, names[-1])}}
    query = {"reference": name, "policy": "missing", "quiet": False}
    headers = credentials(call["creds"])
    response = call.rest.open("POST", "images", "pull", query=query, headers=headers)
    return _answered(
        call, response, lambda told: told.get("id") or (told.get("images") or [""])[-1]
    )


def credentials(creds: Json) -> dict[str, str]:
    """Who to be at the registry, as podman's header has it."""
    if not creds["username"]:
        return {}
    told = {"username": creds["username"], "password": creds["password"]}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(told).encode()).decode()}


def push_image(call: Call) -> Json | Generator[Json, None, Json]:
    """To a registry, under the image's own name or another one."""
    identity = _id(call, call["name"])
    query = {
        "destination": call["tag"] or call["name"],
        "format": call["format"] or None,
        "removeSignatures": call["removeSignatures"] or None,
        "quiet": False,
    }
    response = call.rest.open("POST", "images", call["name"], "push", query=query)
    return _answered(call, response, lambda _: identity)


def build_image(call: Call) -> Json | Generator[Json, None, Json]:
    """From a tar file in the spool, which the build uses up."""
    build = call["build"]
    try:
        query = build_query(build)
    except ValueError as error:
        raise error_occurred(str(error)) from error
    headers = {"Content-Type": "application/x-tar"}
    with call.spool.open(build["contextDir"]) as file:
        call.spool.remove(build["contextDir"])
        response = call.rest.open("POST", "build", query=query, body=file, headers=headers)
    return _answered(call, response, _built, "image")


def _built(told: Json) -> str:
    match = ID.match((told.get("stream") or "").strip())
    return match[1] if match else ""


def _answered(
    call: Call, response: Response, identity: Callable[[Json], str], field: str = "reply"
) -> Json | Generator[Json, None, Json]:
    """All lines at once, or each as it comes. The status is 200 long before anything fails."""
    if call.more:
        return _progress(response, identity, field)
    lines, last = [], ""
    with response:
        for line, found in _lines(response, identity):
            lines.append(line)
            last = found or last
    return {field: {"logs": [line for line in lines if line], "id": last}}


def _progress(
    response: Response, identity: Callable[[Json], str], field: str
) -> Generator[Json, None, Json]:
    last = ""
    with response:
        for line, found in _lines(response, identity):
            last = found or last
            if line:
                yield {field: {"logs": [line], "id": ""}}
    return {field: {"logs": [], "id": last}}


def _lines(response: Response, identity: Callable[[Json], str]) -> Iterator[tuple[str, str]]:
    """Each line, and the image's id where it tells it; the error that podman tells in a line."""
    for told in response.objects():
        if told.get("error"):
            raise RestError(500, str(told["error"]))
        yield told.get("stream") or "", identity(told)


def _id(call: Call, name: str) -> str:
    identity: str = call.rest.get("images", name, "json")["Id"]
    return identity
