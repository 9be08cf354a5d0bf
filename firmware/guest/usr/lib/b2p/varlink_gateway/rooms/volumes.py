"""Volumes."""

from __future__ import annotations

from ..errors import RestError
from ..shapes import volumes as shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def volume_create(call: Call) -> Json:
    """Makes one."""
    return {
        "volumeName": call.rest.post("volumes", "create", body=shape.wish(call["options"]))["Name"]
    }


def volume_remove(call: Call) -> Json:
    """Removes those named, or all; a failure is told beside the successes."""
    options = call["options"]
    names = options["volumes"]
    if options["all"]:
        names = [volume["Name"] for volume in call.rest.get("volumes", "json") or ()]
    failures = {}
    for name in names:
        try:
            call.rest.status("DELETE", "volumes", name, force=options["force"])
        except RestError as error:
            failures[name] = error.message
    return {"successes": [name for name in names if name not in failures], "failures": failures}


def get_volumes(call: Call) -> Json:
    """Those named, or all."""
    if call["all"] or not call["args"]:
        told = call.rest.get("volumes", "json") or []
    else:
        told = [call.rest.get("volumes", name, "json") for name in call["args"]]
    return {"volumes": [shape.volume(volume) for volume in told]}


def inspect_volume(call: Call) -> Json:
    """podman's own JSON as a text."""
    return {"volume": call.rest.text("volumes", call["name"], "json")}


def volumes_prune(call: Call) -> Json:
    """Removes all that no container uses."""
    reports = call.rest.post("volumes", "prune") or []
    failed = [report for report in reports if report.get("Err")]
    return {
        "prunedNames": [report["Id"] for report in reports if report not in failed],
        "prunedErrors": [f"{report['Id']}: {report['Err']}" for report in failed],
    }
