"""What is done to containers."""

from __future__ import annotations

from ..errors import PODMAN, RestError, VarlinkError, error_occurred, invalid_state, is_wrong_state
from ..shapes.create import specification
from ..shapes.images import change, pruned
from ..shapes.words import split_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

SIGTERM = 15


def create_container(call: Call) -> Json:
    """Makes one; its image is pulled when it is missing, as podman did then."""
    create = call["create"]
    try:
        spec = specification(create)
    except ValueError as error:
        raise error_occurred(str(error)) from error
    pull = create["pull"] or "missing"
    if pull == "always":
        _pull(call, spec)
    try:
        made = call.rest.post("containers", "create", body=spec)
    except RestError as error:
        if error.status != 404 or pull not in ("missing", "true") or "image" not in spec:
            raise
        _pull(call, spec)
        made = call.rest.post("containers", "create", body=spec)
    return {"container": made["Id"]}


def _pull(call: Call, spec: Json) -> None:
    query = {
        "reference": spec.get("image"),
        "Arch": spec.get("image_arch"),
        "OS": spec.get("image_os"),
    }
    with call.rest.open("POST", "images", "pull", query=query) as response:
        for told in response.objects():
            if told.get("error"):
                raise error_occurred(told["error"])


def start_container(call: Call) -> Json:
    """Starts one; one that runs or is paused is an error."""
    if _act(call, "start") == 304:
        raise error_occurred(f"container {call['name']!r} is running already")
    return _identity(call)


def stop_container(call: Call) -> Json:
    """Stops one; one that is stopped is an error of its own."""
    status = _guarded(call, "stop", timeout=max(call["timeout"], 0))
    if status == 304:
        raise VarlinkError(f"{PODMAN}.ErrCtrStopped", id=_id(call))
    return _identity(call)


def init_container(call: Call) -> Json:
    """Prepares one; one that is prepared or runs is in the wrong state."""
    if _guarded(call, "init") == 304:
        raise invalid_state(_id(call), f"container {call['name']!r} is initialised already")
    return _identity(call)


def restart_container(call: Call) -> Json:
    """Stops and starts one."""
    _act(call, "restart", timeout=max(call["timeout"], 0))
    return _identity(call)


def kill_container(call: Call) -> Json:
    """Sends a signal by its number."""
    _act(call, "kill", signal=SIGTERM if call["signal"] == -1 else call["signal"])
    return _identity(call)


def pause_container(call: Call) -> Json:
    """Freezes one."""
    _act(call, "pause")
    return _identity(call)


def unpause_container(call: Call) -> Json:
    """Thaws one."""
    _act(call, "unpause")
    return _identity(call)


def wait_container(call: Call) -> Json:
    """Waits for the end, also that of the client's patience."""
    interval = f"{call['interval']}ns" if call["interval"] > 0 else None
    with call.rest.open(
        "POST",
        "containers",
        call["name"],
        "wait",
        query={"interval": interval},
        client=call.connection.socket,
    ) as response:
        return {"exitcode": response.json()}


def remove_container(call: Call) -> Json:
    """Removes one; one that runs is in the wrong state unless forced."""
    identity = _id(call)
    try:
        _removed(call, force=call["force"])
    except RestError as error:
        raise (
            invalid_state(identity, error.message) if is_wrong_state(error) else error
        ) from error
    return {"container": identity}


def evict_container(call: Call) -> Json:
    """Removes one whatever its state."""
    identity = _id(call)
    _removed(call, force=True)
    return {"container": identity}


def delete_stopped_containers(call: Call) -> Json:
    """Removes all that do not run."""
    return {"containers": pruned(call.rest.post("containers", "prune"))}


def container_checkpoint(call: Call) -> Json:
    """Writes its state to disk."""
    query = {
        "keep": call["keep"],
        "leaveRunning": call["leaveRunning"],
        "tcpEstablished": call["tcpEstablished"],
    }
    return {"id": call.rest.post("containers", call["name"], "checkpoint", **query)["Id"]}


def container_restore(call: Call) -> Json:
    """Goes on from a written state."""
    query = {"keep": call["keep"], "tcpEstablished": call["tcpEstablished"]}
    return {"id": call.rest.post("containers", call["name"], "restore", **query)["Id"]}


def list_container_mounts(call: Call) -> Json:
    """Mounted root file systems by container."""
    return {"mounts": call.rest.get("containers", "showmounted")}


def mount_container(call: Call) -> Json:
    """Mounts a root file system, whose path podman tells as it is, without JSON's quotes."""
    with call.rest.open("POST", "containers", call["name"], "mount") as response:
        return {"path": response.body().decode("utf-8", "replace").strip().strip('"')}


def unmount_container(call: Call) -> Json:
    """Unmounts it again."""
    _act(call, "unmount")
    return {}


def commit(call: Call) -> Json:
    """Makes an image of a container; only docker's format has room for a message today."""
    repository, tag = split_reference(call["image_name"])
    query = {
        "container": _id(call),
        "repo": repository or None,
        "tag": tag or None,
        "author": call["author"] or None,
        "comment": call["message"] or None,
        "pause": call["pause"],
        "changes": [change(text) for text in call["changes"]],
        "format": call["manifestType"] or ("docker" if call["message"] else None),
    }
    made = call.rest.post("commit", **query)
    return {"reply": {"logs": [], "id": made["Id"].removeprefix("sha256:")}}


def _act(call: Call, verb: str, **query: Any) -> int:
    return call.rest.status("POST", "containers", call["name"], verb, **query)


def _guarded(call: Call, verb: str, **query: Any) -> int:
    """As `_act`, where a wrong state has an error of its own."""
    try:
        return _act(call, verb, **query)
    except RestError as error:
        raise (
            invalid_state(_id(call), error.message) if is_wrong_state(error) else error
        ) from error


def _removed(call: Call, *, force: bool) -> None:
    query = {"force": force, "v": call["removeVolumes"]}
    for report in call.rest.delete("containers", call["name"], **query) or ():
        if report.get("Err"):
            raise RestError(500, str(report["Err"]))


def _id(call: Call) -> str:
    """The full id of the container that was named."""
    identity: str = call.rest.get("containers", call["name"], "json")["Id"]
    return identity


def _identity(call: Call) -> Json:
    return {"container": _id(call)}
