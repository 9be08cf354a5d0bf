"""Files in and out of the machine, and the images that are made of them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.varlink.real.service import BUSYBOX, Service

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.varlink

BIG = 20_000_000
SPOOL = "/var/lib/containers/varlink"
CONTAINERFILE = f"""\
FROM {BUSYBOX}
COPY greeting /greeting
RUN cat /greeting /greeting > /twice
CMD ["cat", "/twice"]
"""


def archive(**files: str) -> bytes:
    """A tar file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def test_a_file_comes_back_as_it_went(service: Service) -> None:
    data = os.urandom(BIG)
    path = service.send(data)
    back = service.receive(path, delete=False)
    assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
    assert len(service.receive(path, delete=True)) == BIG
    with service.connect() as wire, pytest.raises(Exception, match="no file"):
        wire.upgrade("ReceiveFile", path=path, delete=False)


def test_a_sender_that_leaves_early_leaves_no_file(service: Service, machine: Person) -> None:
    with service.connect() as wire:
        path = wire.upgrade("SendFile", type="", length=BIG)["file_handle"]
        wire.socket.sendall(b"a little")
    service("GetVersion")
    machine.inside(f"for i in $(seq 50); do test -e {path} || exit 0; sleep 0.2; done; exit 1")


@pytest.mark.parametrize(
    "path", ["/etc/../../../etc/shadow", "../../../../etc/shadow", "/etc/shadow"]
)
def test_no_file_outside_of_the_spool_is_given_away(service: Service, path: str) -> None:
    with service.connect() as wire, pytest.raises(Exception, match="spool"):
        wire.upgrade("ReceiveFile", path=path, delete=False)


def test_an_image_is_built_from_a_tar_with_progress(service: Service) -> None:
    context = service.send(archive(Dockerfile=CONTAINERFILE, greeting="hello\n"))
    build = {"contextDir": context, "output": "localhost/built:1", "dockerfiles": ["/x/Dockerfile"]}
    with service.connect() as wire:
        replies = [told["image"] for told in wire.more("BuildImage", build=build)]
    said = [line for reply in replies for line in reply["logs"]]
    assert len(replies) > 4
    assert [line.split(":")[0] for line in said if line.startswith("STEP")] == [
        f"STEP {number}/4" for number in range(1, 5)
    ]
    assert service("GetImage", id="localhost/built:1")["id"] == replies[-1]["id"]
    name = "built-container"
    service("CreateContainer", create={"args": ["localhost/built:1"], "name": name})
    service("StartContainer", name=name)
    assert service("WaitContainer", name=name) == 0
    logs = service("GetContainerLogs", name=name)
    assert [line.split(" ", 3)[3] for line in logs] == ["hello\n", "hello\n"]
    service("RemoveContainer", name=name)
    service("RemoveImage", name="localhost/built:1")


def test_a_build_that_fails_says_why(service: Service) -> None:
    context = service.send(archive(Dockerfile=f"FROM {BUSYBOX}\nRUN exit 9\n"))
    with service.connect() as wire, pytest.raises(Exception, match="exit status 9"):
        list(wire.more("BuildImage", build={"contextDir": context}))


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_an_image_is_saved_fetched_removed_and_loaded(service: Service, kind: str) -> None:
    identity = service("TagImage", name=BUSYBOX, tagged="localhost/saved:1")
    options = {"name": "localhost/saved:1", "format": kind}
    with service.connect() as wire:
        *_, last = wire.more("ImageSave", options=options)
    data = service.receive(last["reply"]["id"])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = set(tar.getnames())
    assert {"docker-archive": "manifest.json", "oci-archive": "oci-layout"}[kind] in names
    service("UntagImage", name="localhost/saved:1", tag="localhost/saved:1")
    assert service("ImageExists", name="localhost/saved:1") == 1
    reply = service("LoadImage", inputFile=service.send(data), deleteFile=True)
    assert reply["id"] == "localhost/saved:1"
    assert service("GetImage", id="localhost/saved:1")["id"] == identity
    service("RemoveImage", name="localhost/saved:1")


def test_a_full_disk_refuses_a_file_and_the_gateway_goes_on(
    service: Service, machine: Person
) -> None:
    # In the place of the spool: filling 100 GB would take the disk of whoever tests.
    machine.inside(f"mount -t tmpfs -o size=8m tmpfs {SPOOL}")
    try:
        with service.connect() as wire, pytest.raises(Exception, match="no room for 20000000"):
            wire.upgrade("SendFile", type="", length=BIG)
        name = service.run()
        fill = f"dd if=/dev/zero of=/data/big bs=1 count=1 seek={BIG}"
        assert service.execute(name, "sh", "-c", fill)[0] == 0
        error = service.refusal("ExportContainer", name=name, path="")
        assert "No space left" in error.parameters["reason"]
        assert machine.inside(f"ls {SPOOL}") == ""
    finally:
        machine.inside(f"umount {SPOOL}")
    assert service.receive(service.send(b"again")) == b"again"


def test_inspect_gives_podmans_own_json(service: Service) -> None:
    told = json.loads(service("InspectImage", name=BUSYBOX))
    assert told["RepoTags"] == [BUSYBOX]
