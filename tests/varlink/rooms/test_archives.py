from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.asking import Refused
from tests.varlink.podman_json import IMAGE_ID, IMAGE_INSPECTED

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman

ALPINE = "/images/alpine"


@pytest.fixture
def alpine(podman: FakePodman) -> FakePodman:
    podman.on("GET", f"{ALPINE}/json", IMAGE_INSPECTED)
    return podman


def root(ask: Asking) -> Path:
    return Path(ask.spool.directory)


def left(ask: Asking) -> list[str]:
    """The files in the spool."""
    return sorted(str(path.relative_to(root(ask))) for path in root(ask).rglob("*"))


def packed(**files: bytes) -> bytes:
    told = io.BytesIO()
    with tarfile.open(fileobj=told, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return told.getvalue()


def test_a_container(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/containers/web/export", [b"tar", b"file"])
    told = ask("ExportContainer", name="web", path="/tmp/web.tar")
    assert told == {"tarfile": str(root(ask) / "tmp/web.tar")}
    assert (root(ask) / "tmp/web.tar").read_bytes() == b"tarfile"
    own = ask("ExportContainer", name="web")["tarfile"]
    assert Path(own).read_bytes() == b"tarfile"


@pytest.mark.parametrize(
    ("method", "given", "error"),
    [
        ("ExportContainer", {"name": "web"}, "ContainerNotFound"),
        ("ExportImage", {"name": "x", "destination": "oci-archive:/a"}, "ImageNotFound"),
        ("ImageSave", {"options": {"name": "x"}}, "ImageNotFound"),
    ],
)
def test_what_is_not_there_leaves_no_file(ask: Asking, method: str, given: Any, error: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method, **given)
    assert caught.value.name == f"io.podman.{error}"
    assert caught.value.parameters["id"] in ("web", "x")
    assert left(ask) == []


@pytest.mark.parametrize(
    ("method", "given", "path"),
    [
        ("ExportContainer", {"name": "web", "path": "/a"}, "/containers/web/export"),
        ("ExportImage", {"name": "alpine", "destination": "oci-archive:/a"}, f"{ALPINE}/get"),
        ("ExportImage", {"name": "alpine", "destination": "dir:/a"}, f"{ALPINE}/get"),
        ("ImageSave", {"options": {"name": "alpine"}}, f"{ALPINE}/get"),
    ],
)
def test_what_breaks_off_leaves_no_file(
    ask: Asking, alpine: FakePodman, method: str, given: Any, path: str
) -> None:
    alpine.on("GET", path, [b"half"], cut=True)
    with pytest.raises(Refused, match="too early"):
        ask(method, **given)
    assert [name for name in left(ask) if (root(ask) / name).is_file()] == []


def test_a_full_disk(
    ask: Asking, alpine: FakePodman, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    alpine.on("GET", f"{ALPINE}/get", [b"tar"])
    monkeypatch.setattr(gateway("rest").Response, "save", full)
    with pytest.raises(Refused) as caught:
        ask("ImageSave", options={"name": "alpine"})
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert caught.value.parameters == {"reason": "No space left on device"}
    assert left(ask) == []


@pytest.mark.parametrize("path", ["/containers/../../x", "..", "/", "../etc/passwd"])
def test_no_path_leads_out(ask: Asking, alpine: FakePodman, path: str) -> None:
    for method, given in (
        ("ExportContainer", {"name": "web", "path": path}),
        ("ExportImage", {"name": "alpine", "destination": f"docker-archive:{path}"}),
        ("ExportImage", {"name": "alpine", "destination": f"dir:{path}"}),
        ("ImportImage", {"source": path}),
        ("LoadImage", {"inputFile": path}),
        ("PullImage", {"name": f"oci-archive:{path}"}),
        ("BuildImage", {"build": {"contextDir": path}}),
    ):
        with pytest.raises(Refused, match="spool"):
            ask(method, **given)


@pytest.mark.parametrize(
    ("destination", "kind"),
    [("docker-archive:/a.tar", "docker-archive"), ("oci-archive:a.tar", "oci-archive")],
)
def test_an_image(ask: Asking, alpine: FakePodman, destination: str, kind: str) -> None:
    alpine.on("GET", f"{ALPINE}/get", [b"tar"])
    told = ask("ExportImage", name="alpine", destination=destination, compress=True)
    assert told == {"image": IMAGE_ID}
    assert (root(ask) / "a.tar").read_bytes() == b"tar"
    query = alpine.last("GET", f"{ALPINE}/get").query
    assert query == {"format": [kind], "compress": ["true"]}


@pytest.mark.parametrize("known", [False, True])
def test_an_image_under_a_name(ask: Asking, alpine: FakePodman, *, known: bool) -> None:
    name = "/images/mine:latest"
    alpine.on("GET", f"{name}/get", [b"tar"])
    if known:
        alpine.on("GET", f"{name}/exists", status=204)
        alpine.on("GET", f"{name}/json", IMAGE_INSPECTED)
    alpine.on("POST", f"/images/{IMAGE_ID}/tag", status=201)
    alpine.on("POST", f"/images/{IMAGE_ID}/untag", status=201)
    ask("ExportImage", name="alpine", destination="docker-archive:/a.tar:mine")
    posted = [asked.path.rpartition("/")[2] for asked in alpine.asked if asked.method == "POST"]
    assert posted == ([] if known else ["tag", "untag"])


def test_an_image_under_the_name_of_another(ask: Asking, alpine: FakePodman) -> None:
    alpine.on("GET", "/images/mine:1/exists", status=204)
    alpine.on("GET", "/images/mine:1/json", {"Id": "other"})
    with pytest.raises(Refused, match="another image"):
        ask("ExportImage", name="alpine", destination="docker-archive:/a.tar:mine:1")
    assert left(ask) == []


@pytest.mark.skipif(
    not hasattr(tarfile, "data_filter"), reason="a guest's Python unpacks safely, this one cannot"
)
def test_an_image_as_a_folder(ask: Asking, alpine: FakePodman) -> None:
    alpine.on("GET", f"{ALPINE}/get", packed(version=b"1", blobs__a=b"2"))
    ask("ExportImage", name="alpine", destination="dir:/folder")
    assert left(ask) == ["folder", "folder/blobs", "folder/blobs/a", "folder/version"]
    assert alpine.last("GET", f"{ALPINE}/get").query["format"] == ["docker-dir"]


def test_an_image_to_a_registry(ask: Asking, alpine: FakePodman) -> None:
    alpine.on("POST", f"{ALPINE}/push", [b'{"stream": "x"}\n'])
    assert ask("ExportImage", name="alpine", destination="docker://h/a") == {"image": IMAGE_ID}
    assert alpine.last("POST", f"{ALPINE}/push").query["destination"] == ["docker://h/a"]
    with pytest.raises(Refused, match="no transport 'ostree'"):
        ask("ExportImage", name="alpine", destination="ostree:/x")


def test_several_images(ask: Asking, podman: FakePodman) -> None:
    podman.on("GET", "/images/export", [b"tar"])
    (told,) = ask.more("ImageSave", options={"name": "a", "moreTags": ["b"]})
    assert Path(told["reply"]["id"]).read_bytes() == b"tar"
    query = podman.last("GET", "/images/export").query
    assert query == {"format": ["docker-archive"], "references": ["a", "b"]}
    with pytest.raises(Refused, match="no format"):
        ask("ImageSave", options={"name": "a", "format": "zip"})


def test_loading(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/load", {"Names": ["docker.io/library/a:latest", "b"]})
    (root(ask) / "a.tar").write_bytes(b"tar")
    told = ask("LoadImage", inputFile="/a.tar", deleteFile=True)
    assert told == {"reply": {"logs": [], "id": "docker.io/library/a:latest,b"}}
    assert podman.last("POST", "/images/load").body == b"tar"
    assert left(ask) == []


def test_loading_what_has_no_name(ask: Asking, podman: FakePodman) -> None:
    name = f"sha256:{IMAGE_ID}"
    podman.on("POST", "/images/load", {"Names": [name]})
    podman.on("POST", f"/images/{name}/tag", status=201)
    (root(ask) / "a.tar").write_bytes(b"tar")
    assert ask("LoadImage", inputFile="/a.tar", name="mine")["reply"]["id"] == "mine"
    assert podman.last("POST", f"/images/{name}/tag").query == {"repo": ["mine"], "tag": ["latest"]}


def test_loading_fails(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/load", {"Names": None})
    (root(ask) / "a.tar").write_bytes(b"tar")
    with pytest.raises(Refused, match="holds no image"):
        ask("LoadImage", inputFile="/a.tar", deleteFile=True)
    assert left(ask) == ["a.tar"]


def test_importing(ask: Asking, podman: FakePodman) -> None:
    podman.on("POST", "/images/import", {"Id": f"sha256:{IMAGE_ID}"})
    (root(ask) / "a.tar").write_bytes(b"tar")
    given = {"reference": "mine", "message": "m", "changes": ["CMD=/x"]}
    told = ask("ImportImage", source="/a.tar", delete=True, **given)
    assert told == {"image": IMAGE_ID}
    asked = podman.last("POST", "/images/import")
    assert asked.query == {"reference": ["mine"], "message": ["m"], "changes": ["CMD /x"]}
    assert (asked.body, left(ask)) == (b"tar", [])
    assert ask("ImportImage", source="https://x/a.tar") == {"image": IMAGE_ID}
    assert podman.last("POST", "/images/import").query == {"url": ["https://x/a.tar"]}
