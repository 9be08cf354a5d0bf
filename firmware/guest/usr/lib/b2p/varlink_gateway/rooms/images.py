"""Images in the store, and searches for others."""

from __future__ import annotations

from ..errors import RestError
from ..shapes import images as shape
from ..shapes.words import filters, split_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def list_images(call: Call) -> Json:
    """All of them."""
    return _listed(call, [])


def list_images_with_filters(call: Call) -> Json:
    """Those that pass the filters."""
    return _listed(call, call["filters"])


def _listed(call: Call, words: list[str]) -> Json:
    listed = call.rest.get("images", "json", filters=filters(words) or None) or []
    return {"images": [shape.image(line) for line in listed]}


def get_image(call: Call) -> Json:
    """One, by name or the start of its id; the list tells what inspect does not."""
    told = call.rest.get("images", call["id"], "json")
    listed = call.rest.get("images", "json") or []
    found = [line for line in listed if line["Id"] == told["Id"]]
    return {"image": shape.image(found[0]) if found else shape.inspected(told)}


def inspect_image(call: Call) -> Json:
    """podman's own JSON as a text."""
    return {"image": call.rest.text("images", call["name"], "json")}


def history_image(call: Call) -> Json:
    """The steps it was made in."""
    return {"history": shape.history(call.rest.get("images", call["name"], "history"))}


def tag_image(call: Call) -> Json:
    """Gives another name."""
    return _named(call, "tag", call["tagged"])


def untag_image(call: Call) -> Json:
    """Takes a name."""
    return _named(call, "untag", call["tag"])


def _named(call: Call, verb: str, reference: str) -> Json:
    repository, tag = split_reference(reference)
    identity = _id(call)
    call.rest.status("POST", "images", call["name"], verb, repo=repository, tag=tag or "latest")
    return {"image": identity}


def remove_image(call: Call) -> Json:
    """Removes it and answers which it was."""
    identity = _id(call)
    _removed(call)
    return {"image": identity}


def remove_image_with_response(call: Call) -> Json:
    """Removes it and answers what went."""
    return {"response": shape.removed(_removed(call))}


def _removed(call: Call) -> Json:
    told: Json = call.rest.delete("images", call["name"], force=call["force"]) or {}
    if told.get("Errors"):
        raise RestError(500, "; ".join(map(str, told["Errors"])))
    return told


def image_exists(call: Call) -> Json:
    """0 for yes."""
    return {"exists": 0 if call.rest.exists("images", call["name"], "exists") else 1}


def image_tree(call: Call) -> Json:
    """The layers as text."""
    told = call.rest.get("images", call["name"], "tree", whatrequires=call["whatRequires"])
    return {"tree": told.get("Tree")}


def images_prune(call: Call) -> Json:
    """Removes dangling images, or all that no container uses."""
    words = filters(call["filter"]) or None
    return {
        "pruned": shape.pruned(call.rest.post("images", "prune", all=call["all"], filters=words))
    }


def delete_unused_images(call: Call) -> Json:
    """Removes all that no container uses."""
    return {"images": shape.pruned(call.rest.post("images", "prune", all=True))}


def search_images(call: Call) -> Json:
    """Asks the registries."""
    query = {
        "term": call["query"],
        "limit": call["limit"] or None,
        "filters": shape.search_filters(call["filter"]) or None,
    }
    return {"results": shape.found(call.rest.get("images", "search", **query))}


def _id(call: Call) -> str:
    identity: str = call.rest.get("images", call["name"], "json")["Id"]
    return identity
