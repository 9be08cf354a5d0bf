"""Containers: podman's list and inspect JSON as Container, PsContainer, ContainerStats ..."""

from __future__ import annotations

from .words import NEVER, age, go_duration, rfc3339, unix_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

OLD_STATES = {
    "created": "configured",
    "initialized": "created",
    "stopping": "running",
    "removing": "stopped",
}
NEW_STATES = {"configured": "created", "created": "initialized"}
KINDS = {0: "changed", 1: "added", 2: "deleted"}
LETTERS = {0: "C", 1: "A", 2: "D"}
SORTS = {
    "command": "command",
    "created": "createdAt",
    "id": "id",
    "image": "image",
    "names": "names",
    "runningfor": "startedAt",
    "size": "rwSize",
    "status": "state",
}
STATS = {
    "id": "ContainerID",
    "name": "Name",
    "cpu": "CPU",
    "cpu_nano": "CPUNano",
    "system_nano": "SystemNano",
    "mem_usage": "MemUsage",
    "mem_limit": "MemLimit",
    "mem_perc": "MemPerc",
    "block_output": "BlockOutput",
    "block_input": "BlockInput",
    "pids": "PIDs",
}


def old_state(state: str | None) -> str:
    """The state in the words of 2020."""
    return OLD_STATES.get(state or "", state or "unknown")


def new_states(states: list[str]) -> list[str]:
    """The states that podman 5 has for those of 2020; it refuses to list those in passing."""
    return [NEW_STATES.get(state, state) for state in states]


def container(listed: Json, mounts: list[Json], now: float) -> Json:
    """A Container, from a line of the list with sizes and namespaces, and the mounts of inspect."""
    sizes = listed.get("Size") or {}
    created = unix_seconds(listed.get("Created"))
    return {
        "id": listed.get("Id"),
        "image": listed.get("Image"),
        "imageid": listed.get("ImageID"),
        "command": listed.get("Command"),
        "createdat": rfc3339(listed.get("Created")),
        "runningfor": go_duration(now - created),
        "status": old_state(listed.get("State")),
        "ports": ports(listed.get("Ports")),
        "rootfssize": sizes.get("rootFsSize"),
        "rwsize": sizes.get("rwSize"),
        "names": first(listed.get("Names")),
        "labels": listed.get("Labels"),
        "mounts": [mount(item) for item in mounts],
        "containerrunning": listed.get("State") == "running",
        "namespaces": namespaces(listed),
    }


def namespaces(listed: Json) -> Json:
    """A ContainerNameSpace; podman names some fields by the system's case."""
    found = {name.lower(): number for name, number in (listed.get("Namespaces") or {}).items()}
    process = listed.get("Pid")
    return {**found, "pid": str(process) if process else ""}


def mount(mounted: Json) -> Json:
    """A ContainerMount from a mount of inspect."""
    names = {"destination": "Destination", "type": "Type", "source": "Source", "options": "Options"}
    return {old: mounted.get(new) for old, new in names.items()}


def ports(published: list[Json] | None) -> list[Json]:
    """ContainerPortMappings; a range becomes its single ports."""
    return [
        {
            "host_port": str(port.get("host_port", 0) + step),
            "host_ip": port.get("host_ip"),
            "protocol": protocol,
            "container_port": str(port.get("container_port", 0) + step),
        }
        for port in published or ()
        for protocol in (port.get("protocol") or "tcp").split(",")
        for step in range(min(port.get("range") or 1, 65536))
    ]


def first(names: list[str] | None) -> str:
    """A container has one name today, in a list."""
    return names[0] if names else ""


def ps_container(listed: Json, now: float) -> Json:
    """A PsContainer, from a line of the list."""
    sizes = listed.get("Size") or {}
    spaces = namespaces(listed)
    return {
        "id": listed.get("Id"),
        "image": listed.get("Image"),
        "command": " ".join(listed.get("Command") or ()),
        "created": age(now - unix_seconds(listed.get("Created"))) + " ago",
        "ports": ", ".join(port_text(port) for port in ports(listed.get("Ports"))),
        "names": ",".join(listed.get("Names") or ()),
        "isInfra": listed.get("IsInfra"),
        "status": status_text(listed, now),
        "state": old_state(listed.get("State")),
        "pidNum": listed.get("Pid"),
        "rootFsSize": sizes.get("rootFsSize"),
        "rwSize": sizes.get("rwSize"),
        "pod": listed.get("Pod"),
        "createdAt": listed.get("Created") or NEVER,
        "exitedAt": rfc3339(listed.get("ExitedAt")),
        "startedAt": rfc3339(listed.get("StartedAt")),
        "labels": listed.get("Labels"),
        "nsPid": spaces["pid"],
        "cgroup": spaces.get("cgroup"),
        "ipc": spaces.get("ipc"),
        "mnt": spaces.get("mnt"),
        "net": spaces.get("net"),
        "pidNs": spaces.get("pidns"),
        "user": spaces.get("user"),
        "uts": spaces.get("uts"),
        "mounts": ",".join(listed.get("Mounts") or ()),
    }


def port_text(port: Json) -> str:
    """A published port as ps prints it."""
    host = port["host_ip"] or "0.0.0.0"
    return f"{host}:{port['host_port']}->{port['container_port']}/{port['protocol']}"


def status_text(listed: Json, now: float) -> str:
    """A state and its age as ps prints them."""
    state = listed.get("State") or ""
    if state in ("running", "stopping"):
        return f"Up {age(now - unix_seconds(listed.get('StartedAt')))} ago"
    if state in ("exited", "stopped"):
        ended = age(now - unix_seconds(listed.get("ExitedAt")))
        return f"Exited ({listed.get('ExitCode') or 0}) {ended} ago"
    return state.capitalize()


def ordered(lines: list[Json], key: str | None) -> list[Json]:
    """PsContainers in the order asked for; podman's own, by creation, for none."""
    field = SORTS.get(key or "")
    return sorted(lines, key=lambda line: line.get(field) or 0) if field else lines


def changes(listed: list[Json] | None) -> Json:
    """ContainerChanges from a diff."""
    found: dict[str, list[str]] = {"changed": [], "added": [], "deleted": []}
    for change in listed or ():
        found[KINDS.get(change.get("Kind", 0), "changed")].append(change["Path"])
    return found


def diffs(listed: list[Json] | None) -> list[Json]:
    """DiffInfos from a diff."""
    return [
        {"path": change["Path"], "changeType": LETTERS.get(change.get("Kind", 0), "C")}
        for change in listed or ()
    ]


def health(run: Json) -> str:
    """What a run of the health check told. podman's own status changes only after several runs."""
    runs = run.get("Log") or ()
    well = runs[-1].get("ExitCode") == 0 if runs else run.get("Status") == "healthy"
    return "healthy" if well else "unhealthy"


def stats(counted: Json) -> Json:
    """ContainerStats; podman 5 counts the network by interface, older ones in sum."""
    network = counted.get("Network")
    interfaces = network.values() if isinstance(network, dict) else ()
    received = sum(interface.get("RxBytes", 0) for interface in interfaces)
    sent = sum(interface.get("TxBytes", 0) for interface in interfaces)
    told: Json = {old: counted.get(new) for old, new in STATS.items()}
    told["net_input"] = received or counted.get("NetInput")
    told["net_output"] = sent or counted.get("NetOutput")
    return told


def cpu_since(now: Json, before: Json, cpus: int) -> float:
    """Percent of cpu between two ContainerStats, 100 for each processor."""
    used = (now.get("cpu_nano") or 0) - (before.get("cpu_nano") or 0)
    passed = (now.get("system_nano") or 0) - (before.get("system_nano") or 0)
    return used / passed * cpus * 100 if used > 0 and passed > 0 else 0.0


def processes(top: Json) -> list[str]:
    """Lines of a process list, the header first."""
    rows = [top.get("Titles") or [], *(top.get("Processes") or ())]
    return ["\t".join(row) for row in rows]
