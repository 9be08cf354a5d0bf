"""Who uses a mount: containers by their names, other processes by theirs. Imported when asked."""

import json
import os
import re

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shares import Mounted

STORES = (
    "/var/lib/containers/storage/overlay-containers/containers.json",
    "/home/core/.local/share/containers/storage/overlay-containers/containers.json",
)
"""Root's containers and core's: a JSON list with id and names."""
DOCKERS = "/var/lib/docker/containers/{}/config.v2.json"
"""What docker knows of the container of an id."""


def elsewhere(found: "Sequence[Mounted]") -> list[str]:
    """Who has one of these mounts in a namespace of its own, where unmounting it does not reach."""
    import shares

    devices = {one.device: one.place for one in found}
    # A service's own namespace has copies of ours, which go with ours.
    ours = {one.as_copied(one.group(b"shared")) for one in found}
    seen, names = {_namespace("self")}, []
    for pid in _processes():
        namespace = _namespace(pid)
        if namespace in seen:
            continue
        seen.add(namespace)
        held = [
            devices[one.device]
            for one in shares.mounted(pid)
            if one.device in devices and one.as_copied(one.group(b"master")) not in ours
        ]
        if held:
            names.append(f"{_name(pid)} has {held[0]}")
    return sorted(set(names))


def inside(place: str) -> list[str]:
    """Who stands in a directory below the mount, or has something open there."""
    return sorted({f"{_name(pid)} is in {place}" for pid in _processes() if _uses(pid, place)})


def container(cgroup: str) -> str:
    """The name of the container that a process belongs to by its /proc/PID/cgroup; empty: none."""
    found = re.search(r"(?:libpod-(?:conmon-)?|docker-)([0-9a-f]{64})", cgroup)
    if found is None:
        return ""
    try:
        with open(DOCKERS.format(found[1])) as file:
            return str(json.load(file)["Name"]).lstrip("/")
    except (OSError, ValueError, KeyError, TypeError):
        pass
    for store in STORES:
        try:
            with open(store) as file:
                known = {one["id"]: one.get("names") or [] for one in json.load(file)}
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if names := known.get(found[1]):
            return str(names[0])
    return found[1][:12]


def _name(pid: str) -> str:
    try:
        if name := container(_read(f"/proc/{pid}/cgroup")):
            return f"container {name!r}"
        return f"{_read(f'/proc/{pid}/comm').strip()} (process {pid})"
    except OSError:
        return f"process {pid}"


def _uses(pid: str, place: str) -> bool:
    root = f"/proc/{pid}"
    try:
        links = [f"{root}/{one}" for one in ("cwd", "root", "exe")]
        links += [f"{root}/fd/{one}" for one in os.listdir(f"{root}/fd")]
        if any(_below(target, place) for target in _targets(links)):
            return True
        return any(_below(line[73:].strip(), place) for line in _read(f"{root}/maps").splitlines())
    except OSError:
        return False


def _targets(links: list[str]) -> "Iterator[str]":
    for link in links:
        try:
            yield os.readlink(link)
        except OSError:
            continue


def _below(path: str, place: str) -> bool:
    return f"{path}/".startswith(f"{place}/")


def _processes() -> list[str]:
    return sorted(filter(str.isdigit, os.listdir("/proc")), key=int)


def _namespace(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return ""


def _read(path: str) -> str:
    with open(path, errors="surrogateescape") as file:
        return file.read()
