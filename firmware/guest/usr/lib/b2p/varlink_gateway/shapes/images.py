"""Images: list, inspect, history and search."""

from __future__ import annotations

from .words import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def image(listed: Json) -> Json:
    """An Image, from a line of the list."""
    digest = listed.get("Digest")
    return {
        "id": listed.get("Id"),
        "digest": digest,
        "digests": [digest] if digest else [],
        "parentId": listed.get("ParentId"),
        "repoTags": listed.get("RepoTags"),
        "repoDigests": listed.get("RepoDigests"),
        "created": rfc3339(listed.get("Created")),
        "size": listed.get("Size"),
        "virtualSize": listed.get("VirtualSize") or listed.get("Size"),
        "containers": listed.get("Containers"),
        "labels": listed.get("Labels"),
        "readOnly": listed.get("ReadOnly"),
    }


def inspected(told: Json) -> Json:
    """An Image, from inspect; it does not tell how many containers there are."""
    return image({**told, "ParentId": told.get("Parent")})


def history(listed: list[Json] | None) -> list[Json]:
    """ImageHistory of all steps, the last one first."""
    return [
        {
            "id": step.get("Id"),
            "created": rfc3339(step.get("Created")),
            "createdBy": step.get("CreatedBy"),
            "tags": step.get("Tags"),
            "size": step.get("Size"),
            "comment": step.get("Comment"),
        }
        for step in listed or ()
    ]


def found(listed: list[Json] | None) -> list[Json]:
    """ImageSearchResults."""
    return [
        {
            "description": hit.get("Description"),
            "is_official": bool(hit.get("Official")),
            "is_automated": bool(hit.get("Automated")),
            "registry": hit.get("Index"),
            "name": hit.get("Name"),
            "star_count": hit.get("Stars"),
        }
        for hit in listed or ()
    ]


def search_filters(wish: Json) -> dict[str, list[str]]:
    """The REST filters of an ImageSearchFilter."""
    filters = {}
    if wish["is_official"] is not None:
        filters["is-official"] = [str(wish["is_official"]).lower()]
    if wish["is_automated"] is not None:
        filters["is-automated"] = [str(wish["is_automated"]).lower()]
    if wish["star_count"] > 0:
        filters["stars"] = [str(wish["star_count"])]
    return filters


def removed(told: Json | None) -> Json:
    """RemoveImageResponse."""
    told = told or {}
    deleted = told.get("Deleted") or []
    return {"untagged": told.get("Untagged"), "deleted": deleted[0] if deleted else ""}


def pruned(reports: list[Json] | None) -> list[str]:
    """The ids of what a prune removed."""
    return [report["Id"] for report in reports or () if not report.get("Err")]


def change(text: str) -> str:
    """A change of Commit or Import, KEY=value, as a Dockerfile has it."""
    key, equals, value = text.partition("=")
    if not equals or " " in key.strip():
        return text
    return f"{key.strip()} {value}"
