"""Volumes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

NAMES = {
    "name": "Name",
    "labels": "Labels",
    "mountPoint": "Mountpoint",
    "driver": "Driver",
    "options": "Options",
}


def volume(told: Json) -> Json:
    """A Volume."""
    return {old: told.get(new) for old, new in NAMES.items()}


def wish(options: Json) -> Json:
    """The body that makes a volume; labels go under the names that podman 4 and 5 read."""
    body = {
        "Name": options["volumeName"],
        "Driver": options["driver"],
        "Label": options["labels"],
        "Labels": options["labels"],
        "Options": options["options"],
    }
    return {name: value for name, value in body.items() if value}
