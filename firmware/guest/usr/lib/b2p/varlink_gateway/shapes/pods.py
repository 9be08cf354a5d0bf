"""Pods: list and inspect."""

from __future__ import annotations

import re

from .containers import old_state
from .publish import port_mappings
from .words import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

ID = re.compile(r"\b[0-9a-f]{64}\b")
SHARES = ("pid", "ipc", "net", "mnt", "user", "uts")


def old_status(status: str | None) -> str:
    """A pod's state in the words of 2020."""
    return "Running" if status == "Degraded" else status or ""


def pod(told: Json) -> Json:
    """ListPodData, from a line of the list or from inspect; they differ in names only."""
    members = told.get("Containers") or []
    return {
        "id": told.get("Id"),
        "name": told.get("Name"),
        "createdat": rfc3339(told.get("Created")),
        "cgroup": told.get("Cgroup") or told.get("CgroupParent"),
        "status": old_status(told.get("Status") or told.get("State")),
        "labels": told.get("Labels"),
        "numberofcontainers": str(len(members)),
        "containersinfo": [member(item) for item in members],
    }


def member(told: Json) -> Json:
    """ListPodContainerInfo."""
    return {
        "name": told.get("Names") or told.get("Name"),
        "id": told.get("Id"),
        "status": old_state(told.get("Status") or told.get("State")),
    }


def inspected(told: Json) -> Json:
    """The nested object that inspecting a pod gave in 2020, from today's flat one."""
    shared = told.get("SharedNamespaces") or []
    infra = told.get("InfraContainerID") or ""
    return {
        "Config": {
            "id": told.get("Id"),
            "name": told.get("Name"),
            "hostname": told.get("Hostname") or "",
            "labels": told.get("Labels") or {},
            "cgroupParent": told.get("CgroupParent") or "",
            "sharesCgroup": "cgroup" in shared,
            **{f"shares{name.capitalize()}": name in shared for name in SHARES},
            "infraConfig": {"makeInfraContainer": bool(infra), "infraPortBindings": bindings(told)},
            "created": told.get("Created"),
            "lockID": told.get("LockNumber", 0),
        },
        "State": {"cgroupPath": told.get("CgroupPath") or "", "infraContainerID": infra},
        "Containers": [
            {"id": item.get("Id"), "state": old_state(item.get("State"))}
            for item in told.get("Containers") or ()
        ],
    }


def bindings(told: Json) -> list[Json]:
    """The published ports of a pod."""
    published = (told.get("InfraConfig") or {}).get("PortBindings") or {}
    return [
        {
            "hostPort": int(binding.get("HostPort") or 0),
            "containerPort": int(port.partition("/")[0]),
            "protocol": port.partition("/")[2] or "tcp",
            "hostIP": binding.get("HostIp") or "",
        }
        for port, hosts in published.items()
        for binding in hosts or ()
    ]


def wish(create: Json) -> Json:
    """The body that makes a pod; ValueError for words that only go with an infra container."""
    for name in ("share", "publish"):
        if create[name] and not create["infra"]:
            raise ValueError(f"{name!r} needs a pod with an infra container")
    if create["infra"] and not create["share"]:
        raise ValueError("a pod with an infra container needs 'share'")
    body: Json = {
        "name": create["name"],
        "labels": create["labels"],
        "cgroup_parent": create["cgroupParent"],
        "no_infra": not create["infra"],
        "shared_namespaces": create["share"],
        "portmappings": port_mappings(create["publish"]),
        "infra_image": create["infraImage"],
        "infra_command": create["infraCommand"].split(),
    }
    return {name: value for name, value in body.items() if value not in ("", [], {})}


def failures(texts: list[Any]) -> list[Json]:
    """PodContainerErrorData of the failures that podman lists; each text names its container."""
    told = [text if isinstance(text, str) else str(text or "unknown failure") for text in texts]
    named = [(ID.search(text), text) for text in told]
    return [{"containerid": match[0] if match else "", "reason": text} for match, text in named]
