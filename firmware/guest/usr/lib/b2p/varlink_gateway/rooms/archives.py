"""Images and containers as archives in the spool."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, nullcontext

from ..errors import error_occurred
from ..shapes.images import change
from ..shapes.words import split_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

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
    with call.spool.draft(call["path"], suffix=".tar") as draft:
        _saved(call, draft.file, "containers", call["name"], "export")
    return {"tarfile": draft.path}


def export_image(call: Call) -> Json:
    """To TRANSPORT:PATH in the spool, or to a registry."""
    identity = call.rest.get("images", call["name"], "json")["Id"]
    transport, _, path = call["destination"].partition(":")
    if transport == "docker":
        _pushed(call)
    elif transport in TRANSPORTS:
        _exported(call, identity, TRANSPORTS[transport], path)
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


def _exported(call: Call, identity: str, kind: str, path: str) -> None:
    """A folder comes as a tar file too, and is unpacked where it was asked for."""
    if kind.endswith("-dir"):
        with call.spool.folder(path) as folder, tempfile.TemporaryFile(dir=folder) as packed:
            _archive(call, packed, [call["name"]], kind, compress=call["compress"])
            packed.seek(0)
            _unpack(packed, folder)
        return
    target, _, reference = path.partition(":")
    if not target:
        raise error_occurred(f"{call['destination']!r} names no file")
    with (
        call.spool.draft(target) as draft,
        _called(call, identity, reference) if reference else nullcontext(call["name"]) as name,
    ):
        _archive(call, draft.file, [name, *call["tags"]], kind, compress=call["compress"])


@contextmanager
def _called(call: Call, identity: str, reference: str) -> Iterator[str]:
    """An image under another name, for as long as it is saved."""
    repository, tag = split_reference(reference)
    tag = tag or "latest"
    name = f"{repository}:{tag}"
    known = call.rest.exists("images", name, "exists")
    if known and call.rest.get("images", name, "json")["Id"] != identity:
        raise error_occurred(f"{name!r} is the name of another image")
    if not known:
        call.rest.status("POST", "images", identity, "tag", repo=repository, tag=tag)
    try:
        yield name
    finally:
        if not known:
            call.rest.status("POST", "images", identity, "untag", repo=repository, tag=tag)


def _unpack(packed: BinaryIO, folder: str) -> None:
    import tarfile

    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")


def image_save(call: Call) -> Json:
    """To a new file, whose path is the reply's id."""
    options = call["options"]
    kind = options["format"] or "docker-archive"
    if kind not in FORMATS:
        raise error_occurred(f"no format {kind!r}: use one of {', '.join(FORMATS)}")
    names = [options["name"], *options["moreTags"]]
    with call.spool.draft(suffix=".tar") as draft:
        _archive(call, draft.file, names, kind, compress=options["compress"])
    return {"reply": {"logs": [], "id": draft.path}}


def _archive(call: Call, file: BinaryIO, names: list[str], kind: str, *, compress: bool) -> None:
    query: Json = {"format": kind, "compress": compress or None}
    if len(names) > 1 and kind == "docker-archive":
        _saved(call, file, "images", "export", references=names, **query)
    else:
        _saved(call, file, "images", names[0], "get", **query)


def _saved(call: Call, file: BinaryIO, *parts: str, **query: Any) -> None:
    with call.rest.open("GET", *parts, query=query) as response:
        response.save(file)


def load_image(call: Call) -> Json:
    """From an archive in the spool."""
    names = loaded(call, call["inputFile"])
    if call["name"] and len(names) == 1 and names[0].startswith("sha256:"):
        repository, tag = split_reference(call["name"])
        call.rest.status("POST", "images", names[0], "tag", repo=repository, tag=tag or "latest")
        names = [call["name"]]
    if call["deleteFile"]:
        call.spool.remove(call["inputFile"])
    return {"reply": {"logs": [], "id": ",".join(names)}}


def loaded(call: Call, path: str) -> list[str]:
    """Brings an archive's images into the store; answers their names."""
    headers = {"Content-Type": "application/x-tar"}
    with (
        call.spool.open(path) as file,
        call.rest.open("POST", "images", "load", body=file, headers=headers) as response,
    ):
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
        return {"image": _bare(call.rest.post("images", "import", url=source, **query)["Id"])}
    headers = {"Content-Type": "application/x-tar"}
    with call.spool.open(source) as file:
        parts = ("images", "import")
        with call.rest.open("POST", *parts, query=query, body=file, headers=headers) as response:
            told = response.json()
    if call["delete"]:
        call.spool.remove(source)
    return {"image": _bare(told["Id"])}


def _bare(identity: str) -> str:
    return identity.removeprefix("sha256:")
