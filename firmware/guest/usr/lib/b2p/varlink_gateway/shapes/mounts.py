"""Volumes, mounts and tmpfs of Create as podman's specification has them."""

from __future__ import annotations

from .words import pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

SOURCES = ("source", "src")
DESTINATIONS = ("destination", "dst", "target")
FLAGS = {"readonly": "ro", "ro": "ro", "rw": "rw"}


def storage(create: Json) -> Json:
    """The specification's `mounts` and `volumes`."""
    mounts: list[Json] = []
    volumes: list[Json] = []
    for text in create["volume"] or ():
        _sort(volume(text), mounts, volumes)
    for text in create["mount"] or ():
        _sort(mount(text), mounts, volumes)
    mounts += [tmpfs(text) for text in create["tmpfs"] or ()]
    return {"mounts": mounts, "volumes": volumes, "volumes_from": create["volumesFrom"]}


def _sort(item: Json, mounts: list[Json], volumes: list[Json]) -> None:
    (volumes if "Dest" in item else mounts).append(item)


def volume(text: str) -> Json:
    """[SOURCE:]DESTINATION[:OPTIONS]; a source that is no path is a volume's name."""
    source, _, rest = text.partition(":")
    if not rest:
        return {"Name": "", "Dest": source}
    destination, _, options = rest.partition(":")
    words = [word for word in options.split(",") if word]
    if source[:1] in "/.":
        return {
            "type": "bind",
            "source": source,
            "destination": destination,
            "options": words if "bind" in words else ["rbind", *words],
        }
    return {"Name": source, "Dest": destination, "Options": words}


def mount(text: str) -> Json:
    """type=bind|volume|tmpfs,source=...,destination=...[,OPTIONS]."""
    words = pairs(text.split(","))
    kind = words.pop("type", "bind")
    source = _taken(words, SOURCES)
    destination = _taken(words, DESTINATIONS)
    if not destination:
        raise ValueError(f"mount {text!r} has no destination")
    options = [_option(name, value) for name, value in words.items()]
    if kind == "volume":
        return {"Name": source, "Dest": destination, "Options": options}
    if kind not in ("bind", "tmpfs"):
        raise ValueError(f"mount {text!r} is of a type other than bind, volume and tmpfs")
    return {
        "type": kind,
        "source": source or kind,
        "destination": destination,
        "options": ["rbind", *options] if kind == "bind" else options,
    }


def tmpfs(text: str) -> Json:
    """DESTINATION[:OPTIONS]."""
    destination, _, options = text.partition(":")
    return {
        "type": "tmpfs",
        "source": "tmpfs",
        "destination": destination,
        "options": [word for word in options.split(",") if word],
    }


def _taken(words: dict[str, str], names: tuple[str, ...]) -> str:
    found = ""
    for name in names:
        found = words.pop(name, found)
    return found


def _option(name: str, value: str) -> str:
    if name in FLAGS:
        return "rw" if value == "false" else FLAGS[name]
    if name == "tmpfs-size":
        return f"size={value}"
    if name == "bind-propagation":
        return value
    return f"{name}={value}" if value else name
