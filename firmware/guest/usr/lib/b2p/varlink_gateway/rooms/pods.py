"""Pods."""

from __future__ import annotations

import json

from ..errors import PODMAN, RestError, VarlinkError, error_occurred
from ..shapes import containers as container_shape
from ..shapes import pods as shape
from ..shapes.words import unix_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

SIGTERM = 15


def create_pod(call: Call) -> Json:
    """Makes one."""
    try:
        body = shape.wish(call["create"])
    except ValueError as error:
        raise error_occurred(str(error)) from error
    return {"pod": call.rest.post("pods", "create", body=body)["Id"]}


def list_pods(call: Call) -> Json:
    """All of them."""
    return {"pods": [shape.pod(told) for told in call.rest.get("pods", "json") or ()]}


def get_pod(call: Call) -> Json:
    """One, by name or the start of its id."""
    return {"pod": shape.pod(_inspected(call))}


def inspect_pod(call: Call) -> Json:
    """All there is to know, in the form of 2020."""
    return {"pod": json.dumps(shape.inspected(_inspected(call)))}


def pod_state_data(call: Call) -> Json:
    """As InspectPod: podman's own record of a pod is out of reach."""
    return {"config": json.dumps(shape.inspected(_inspected(call)))}


def start_pod(call: Call) -> Json:
    """Starts all its containers."""
    _refuse_empty(call)
    return _act(call, "start")


def stop_pod(call: Call) -> Json:
    """Stops all its containers."""
    return _act(call, "stop", t=max(call["timeout"], 0))


def restart_pod(call: Call) -> Json:
    """Stops and starts all its containers."""
    _refuse_empty(call)
    return _act(call, "restart")


def kill_pod(call: Call) -> Json:
    """Sends a signal by its number to all its containers."""
    return _act(call, "kill", signal=SIGTERM if call["signal"] == -1 else call["signal"])


def pause_pod(call: Call) -> Json:
    """Freezes all its containers."""
    return _act(call, "pause")


def unpause_pod(call: Call) -> Json:
    """Thaws all its containers."""
    return _act(call, "unpause")


def remove_pod(call: Call) -> Json:
    """Removes it; without force only when nobody but its infra container is in it."""
    told = _inspected(call)
    members = [
        item for item in told.get("Containers") or () if item["Id"] != told.get("InfraContainerID")
    ]
    if members and not call["force"]:
        raise error_occurred(f"pod {call['name']!r} has containers: remove them first, or force")
    report = call.rest.delete("pods", told["Id"], force=call["force"]) or {}
    if report.get("Err"):
        raise error_occurred(str(report["Err"]))
    return {"pod": told["Id"]}


def top_pod(call: Call) -> Json:
    """The processes of its containers."""
    name = _latest(call) if call["latest"] else call["pod"]
    query = {"ps_args": ",".join(call["descriptors"]) or None, "stream": False}
    return {"stats": container_shape.processes(call.rest.get("pods", name, "top", **query) or {})}


def get_pod_stats(call: Call) -> Json:
    """What its running containers use now."""
    told = _inspected(call)
    running = [
        item["Id"] for item in told.get("Containers") or () if item.get("State") == "running"
    ]
    if not running:
        raise VarlinkError(f"{PODMAN}.NoContainerRunning")
    counted = call.rest.get("containers", "stats", containers=running, stream=False)
    if counted.get("Error"):
        raise error_occurred(str(counted["Error"]))
    return {
        "pod": told["Id"],
        "containers": [container_shape.stats(item) for item in counted.get("Stats") or ()],
    }


def get_pods_by_status(call: Call) -> Json:
    """Ids of those in one of the states; none for no state."""
    states = [state.lower() for state in call["statuses"]]
    if "running" in states:
        states.append("degraded")
    if not states:
        return {"pods": []}
    told = call.rest.get("pods", "json", filters={"status": states}) or []
    return {"pods": [pod["Id"] for pod in told]}


def get_pods_by_context(call: Call) -> Json:
    """Ids of all, of the latest, or of those named."""
    if call["all"]:
        return {"pods": [told["Id"] for told in call.rest.get("pods", "json") or ()]}
    if call["latest"]:
        return {"pods": [_latest(call)]}
    return {"pods": [call.rest.get("pods", name, "json")["Id"] for name in call["args"]]}


def _latest(call: Call) -> str:
    told = call.rest.get("pods", "json") or []
    if not told:
        raise error_occurred("there is no pod")
    latest: str = max(told, key=lambda pod: unix_seconds(pod.get("Created")))["Id"]
    return latest


def _inspected(call: Call) -> Json:
    told: Json = call.rest.get("pods", call["name"], "json")
    return told


def _refuse_empty(call: Call) -> None:
    if not _inspected(call).get("Containers"):
        raise VarlinkError(f"{PODMAN}.NoContainersInPod", name=call["name"])


def _act(call: Call, verb: str, **query: Any) -> Json:
    """Done to all members; those that fail are named."""
    try:
        told = call.rest.post("pods", call["name"], verb, **query) or {}
    except RestError as error:
        told = error.told
        if not told.get("Errs"):
            raise
    identity = told.get("Id") or _inspected(call)["Id"]
    if told.get("Errs"):
        failures = shape.failures(told["Errs"])
        raise VarlinkError(f"{PODMAN}.PodContainerError", podname=identity, errors=failures)
    return {"pod": identity}
