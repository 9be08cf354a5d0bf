"""Images and containers as archives in the spool."""

from __future__ import annotations

import os

from ..errors import error_occurred
from ..shapes.images import change
from ..shapes.words import split_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

FORMATS = ("docker-archive", "oci-archive", "docker-dir", "oci-dir")
TRANSPORTS = {
    "docker-archive": "docker-archive",
    "oci-archive": "oci-archive",
    "dir": "docker-dir",
    "docker-dir": "docker-dir",
    "oci": "oci-dir",
    "oci-dir": "oci-dir",
}


def export_container(call: Call) -> Json:
    """Its file system as a tar file; an empty path makes a new file."""
    path = call.spool.target(call["path"]) if call["path"] else call.spool.new(".tar")
    _saved(call, path, "containers", call["name"], "export")
    return {"tarfile": path}


def export_image(call: Call) -> Json:
    """To TRANSPORT:PATH in the spool, or to a registry."""
    identity = call.rest.get("images", call["name"], "json")["Id"]
    transport, _, path = call["destination"].partition(":")
    if transport == "docker":
        _pushed(call)
    elif transport in TRANSPORTS:
        _exported(call, TRANSPORTS[transport], path)
    else:
        raise error_occurred(
            f"no transport {transport!r}: use one of {', '.join(TRANSPORTS)} or docker"
        )
    return {"image": identity}


def _pushed(call: Call) -> None:
    query = {"destination": call["destination"], "quiet": False}
    with call.rest.open("POST", "images", call["name"], "push", query=query) as response:
        for told in response.objects():
            if told.get("error"):
                raise error_occurred(str(told["error"]))


def _exported(call: Call, kind: str, path: str) -> None:
    """A folder comes as a tar file too, and is unpacked where it was asked for."""
    if kind.endswith("-dir"):
        folder = call.spool.inside(path)
        packed = call.spool.new(".tar")
        try:
            _archive(call, packed, [call["name"]], kind, compress=call["compress"])
            _unpack(packed, folder)
        finally:
            os.unlink(packed)
        return
    file, _, _ = path.partition(":")  # PATH:REFERENCE
    names = [call["name"], *call["tags"]]
    _archive(call, call.spool.target(file), names, kind, compress=call["compress"])


def _unpack(packed: str, folder: str) -> None:
    import tarfile

    os.makedirs(folder, mode=0o700, exist_ok=True)
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")


def image_save(call: Call) -> Json:
    """To a new file, whose path is the reply's id."""
    options = call["options"]
    kind = options["format"] or "docker-archive"
    if kind not in FORMATS:
        raise error_occurred(f"no format {kind!r}: use one of {', '.join(FORMATS)}")
    path = call.spool.new(".tar")
    try:
        _archive(
            call, path, [options["name"], *options["moreTags"]], kind, compress=options["compress"]
        )
    except Exception:
        os.unlink(path)
        raise
    return {"reply": {"logs": [], "id": path}}


def _archive(call: Call, path: str, names: list[str], kind: str, *, compress: bool) -> None:
    query: Json = {"format": kind, "compress": compress or None}
    if len(names) > 1 and kind == "docker-archive":
        _saved(call, path, "images", "export", references=names, **query)
    else:
        _saved(call, path, "images", names[0], "get", **query)


def _saved(call: Call, path: str, *parts: str, **query: Any) -> None:
    """An answer's body as a file; half a file is none."""
    with call.rest.open("GET", *parts, query=query) as response:
        try:
            with open(path, "wb") as file:
                response.save(file)
        except BaseException:
            os.unlink(path)
            raise


def load_image(call: Call) -> Json:
    """From an archive in the spool."""
    path = call.spool.existing(call["inputFile"])
    names = loaded(call, path)
    if call["name"] and len(names) == 1 and names[0].startswith("sha256:"):
        repository, tag = split_reference(call["name"])
        call.rest.status("POST", "images", names[0], "tag", repo=repository, tag=tag or "latest")
        names = [call["name"]]
    if call["deleteFile"]:
        os.unlink(path)
    return {"reply": {"logs": [], "id": ",".join(names)}}


def loaded(call: Call, path: str) -> list[str]:
    """Brings an archive's images into the store; answers their names."""
    with open(path, "rb") as file:
        headers = {"Content-Type": "application/x-tar"}
        with call.rest.open("POST", "images", "load", body=file, headers=headers) as response:
            names: list[str] = (response.json() or {}).get("Names") or []
    if not names:
        raise error_occurred(f"{path!r} holds no image")
    return names


def import_image(call: Call) -> Json:
    """From a tar file in the spool, or from an address."""
    query: Json = {
        "reference": call["reference"] or None,
        "message": call["message"] or None,
        "changes": [change(text) for text in call["changes"]],
    }
    source = call["source"]
    if source.startswith(("http://", "https://")):
        return {"image": call.rest.post("images", "import", url=source, **query)["Id"]}
    path = call.spool.existing(source)
    with open(path, "rb") as file:
        headers = {"Content-Type": "application/x-tar"}
        with call.rest.open(
            "POST", "images", "import", query=query, body=file, headers=headers
        ) as response:
            identity = response.json()["Id"].removeprefix("sha256:")
    if call["delete"]:
        os.unlink(path)
    return {"image": identity}
