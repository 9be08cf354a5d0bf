"""The engine itself: version, info and events."""

from __future__ import annotations

from .words import rfc3339, rfc3339_nano

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

HOST = {
    "buildah_version": "buildahVersion",
    "mem_free": "memFree",
    "mem_total": "memTotal",
    "swap_free": "swapFree",
    "swap_total": "swapTotal",
    "arch": "arch",
    "cpus": "cpus",
    "hostname": "hostname",
    "kernel": "kernel",
    "os": "os",
    "uptime": "uptime",
    "eventlogger": "eventLogger",
}
GRAPH = {
    "backing_filesystem": "Backing Filesystem",
    "native_overlay_diff": "Native Overlay Diff",
    "supports_d_type": "Supports d_type",
}


def version(told: Json) -> Json:
    """GetVersion's reply, from the compatible /version."""
    return {
        "version": told.get("Version"),
        "go_version": told.get("GoVersion"),
        "git_commit": told.get("GitCommit"),
        "built": rfc3339(told.get("BuildTime")),
        "os_arch": f"{told.get('Os', '')}/{told.get('Arch', '')}",
        "remote_api_version": 1,
    }


def info(told: Json) -> Json:
    """PodmanInfo."""
    host, engine = told.get("host") or {}, told.get("version") or {}
    return {
        "host": {
            **{old: host.get(new) for old, new in HOST.items()},
            "distribution": host.get("distribution"),
        },
        **registries(told.get("registries") or {}),
        "store": store(told.get("store") or {}),
        "podman": {
            "compiler": "gc",
            "go_version": engine.get("GoVersion"),
            "podman_version": engine.get("Version"),
            "git_commit": engine.get("GitCommit"),
        },
    }


def registries(told: Json) -> Json:
    """Where names are searched, and which registries are spoken to without TLS."""
    locations = {name: entry for name, entry in told.items() if isinstance(entry, dict)}
    insecure = [
        entry.get("Location") or name for name, entry in locations.items() if entry.get("Insecure")
    ]
    return {"registries": told.get("search") or [], "insecure_registries": insecure}


def store(told: Json) -> Json:
    """InfoStore."""
    status = told.get("graphStatus") or {}
    return {
        "containers": (told.get("containerStore") or {}).get("number"),
        "images": (told.get("imageStore") or {}).get("number"),
        "graph_driver_name": told.get("graphDriverName"),
        "graph_driver_options": go_map(told.get("graphOptions") or {}),
        "graph_root": told.get("graphRoot"),
        "graph_status": {old: status.get(new) for old, new in GRAPH.items()},
        "run_root": told.get("runRoot"),
    }


def go_map(values: Json) -> str:
    """A map as Go prints it."""
    return "map[" + " ".join(f"{key}:{value}" for key, value in sorted(values.items())) + "]"


def event(told: Json) -> Json:
    """An Event."""
    actor = told.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    nanoseconds = told.get("timeNano") or int(told.get("time") or 0) * 10**9
    return {
        "id": actor.get("ID"),
        "image": attributes.get("image"),
        "name": attributes.get("name"),
        "status": told.get("Action") or told.get("status"),
        "time": rfc3339_nano(nanoseconds),
        "type": told.get("Type"),
    }
