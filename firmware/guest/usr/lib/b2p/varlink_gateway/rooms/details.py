"""All there is to know of one container."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from ..errors import PODMAN, RestError, VarlinkError, error_occurred
from ..shapes import containers as shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

COLUMNS = "user,pid,ppid,pcpu,etime,tty,time,comm"
SOCKETS = "/run/b2p-varlink"


def inspect_container(call: Call) -> Json:
    """podman's own JSON as a text."""
    return {"container": call.rest.text("containers", call["name"], "json", size=True)}


def container_inspect_data(call: Call) -> Json:
    """As InspectContainer, with sizes only when asked for."""
    return {"config": call.rest.text("containers", call["name"], "json", size=call["size"])}


def container_state_data(call: Call) -> Json:
    """The state, as far as inspect tells it."""
    return {"config": json.dumps(call.rest.get("containers", call["name"], "json")["State"])}


def container_config(call: Call) -> Json:
    """The configuration, as far as inspect tells it."""
    return {"config": json.dumps(call.rest.get("containers", call["name"], "json")["Config"])}


def container_exists(call: Call) -> Json:
    """0 for yes."""
    return {"exists": 0 if call.rest.exists("containers", call["name"], "exists") else 1}


def top(call: Call) -> Json:
    """The processes, with the columns asked for."""
    return {"top": _processes(call, call["nameOrID"], ",".join(call["descriptors"]))}


def list_container_processes(call: Call) -> Json:
    """The processes; a single option was never heeded."""
    columns = ",".join(call["opts"]) if len(call["opts"]) > 1 else COLUMNS
    return {"container": _processes(call, call["name"], columns)}


def _processes(call: Call, name: str, columns: str) -> list[str]:
    query = {"ps_args": columns or None, "stream": False}
    return shape.processes(call.rest.get("containers", name, "top", **query) or {})


def health_check_run(call: Call) -> Json:
    """Runs it once."""
    told = call.rest.get("containers", call["nameOrID"], "healthcheck")
    return {"healthCheckStatus": shape.health(told)}


def list_container_changes(call: Call) -> Json:
    """Paths by the kind of their change."""
    return {"container": shape.changes(_changes(call, "container"))}


def diff(call: Call) -> Json:
    """Changes of a container or, when there is none of that name, of an image."""
    try:
        told = _changes(call, "container")
    except RestError as error:
        if error.status != 404:
            raise
        told = _changes(call, "image")
    return {"diffs": shape.diffs(told)}


def _changes(call: Call, kind: str) -> list[Json]:
    """The kind goes along: an image of a container's name would else be taken for it."""
    told: list[Json] = call.rest.get(f"{kind}s", call["name"], "changes", diffType=kind)
    return told


def get_container_stats(call: Call) -> Json:
    """What it uses now."""
    return {"container": _stats(call, call["name"])}


def get_container_stats_with_history(call: Call) -> Json:
    """What it uses now, cpu as the share since the given moment."""
    before = call["previousStats"]
    told = _stats(call, before["id"])
    if before["system_nano"]:
        told["cpu"] = shape.cpu_since(told, before, os.cpu_count() or 1)
    return {"container": told}


def _stats(call: Call, name: str) -> Json:
    if call.rest.get("containers", name, "json")["State"]["Status"] != "running":
        raise VarlinkError(f"{PODMAN}.NoContainerRunning")
    told = call.rest.get("containers", "stats", containers=[name], stream=False)
    if told.get("Error") or not told.get("Stats"):
        raise error_occurred(str(told.get("Error") or f"no statistics of container {name!r}"))
    return shape.stats(told["Stats"][0])


def spec(call: Call) -> Json:
    """The OCI specification, a file that podman names once the container was initialised."""
    path = call.rest.get("containers", call["name"], "json").get("OCIConfigPath")
    if not path:
        raise error_occurred(
            f"container {call['name']!r} was never initialised: it has no specification"
        )
    with open(path, encoding="utf-8") as file:
        return {"config": file.read()}


def generate_kube(call: Call) -> Json:
    """podman's YAML, its pod and its service as JSON."""
    from ..shapes.kube import documents

    query = {"names": [call["name"]], "service": call["service"]}
    told = documents(call.rest.text("generate", "kube", **query))
    by_kind = {document.get("kind"): json.dumps(document) for document in told}
    service = by_kind.pop("Service", "{}")
    return {"pod": {"pod": next(iter(by_kind.values()), "{}"), "service": service}}


def get_attach_sockets(call: Call) -> Json:
    """Paths for a client in this machine; the container is initialised where that is needed."""
    told = call.rest.get("containers", call["name"], "json")
    if told["State"]["Status"] in ("created", "stopped", "exited"):
        call.rest.status("POST", "containers", told["Id"], "init")
    short = f"{SOCKETS}/{told['Id'][:12]}"
    _link(told["StaticDir"], short)
    sockets = {
        "container_id": told["Id"],
        "io_socket": f"{short}/attach",
        "control_socket": f"{short}/ctl",
    }
    return {"sockets": sockets}


def _link(target: str, short: str) -> None:
    """A unix socket's path holds 107 characters, and podman's own are longer."""
    os.makedirs(os.path.dirname(short), mode=0o700, exist_ok=True)
    with suppress(OSError):
        if os.readlink(short) == target:
            return
    made = f"{short}-{os.urandom(4).hex()}"
    os.symlink(target, made)
    os.replace(made, short)
