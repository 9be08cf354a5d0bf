"""Debian's docker-registry with TLS on this computer: trusted and mirrored without a reboot."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import await_true

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.debian_tools import Tools

pytestmark = pytest.mark.boot

CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http:
  addr: 127.0.0.1:{port}
  tls: {{certificate: {folder}/cert.pem, key: {folder}/key.pem}}
"""
CLOSED = (
    CONFIG
    + """\
auth: {{htpasswd: {{realm: here, path: {folder}/users}}}}
"""
)
USER, PASSWORD = "me", "secret"


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def registry(tools: Tools, tmp_path: Path) -> Iterator[str]:
    """The registry's name in the machine; its certificate lies at cert.pem."""
    yield from served(tools, tmp_path, CONFIG)


@pytest.fixture
def closed_registry(tools: Tools, tmp_path: Path) -> Iterator[str]:
    """The same, for those who log in."""
    htpasswd = tools.program("usr/bin/htpasswd", "apache2-utils")
    words = [str(htpasswd), "-Bbn", USER, PASSWORD]
    (tmp_path / "users").write_bytes(subprocess.run(words, check=True, capture_output=True).stdout)
    yield from served(tools, tmp_path, CLOSED)


def served(tools: Tools, tmp_path: Path, config: str) -> Iterator[str]:
    """A registry's name in the machine, while it runs."""
    openssl = tools.program("usr/bin/openssl", "openssl")
    subject = ("-subj", "/CN=registry", "-addext", "subjectAltName=IP:10.0.2.2")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "/dev/null")
    files = ("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"))
    subprocess.run(
        [str(openssl), "req", "-x509", "-days", "2", *key, *subject, *files],
        check=True,
        capture_output=True,
    )
    port = free_port()
    (tmp_path / "config.yml").write_text(config.format(folder=tmp_path, port=port))
    program = tools.program("usr/bin/docker-registry", "docker-registry")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(program), "serve", str(tmp_path / "config.yml")], stdout=log, stderr=log
        )
    try:
        await_true("the registry", lambda: answers(port))
        yield f"10.0.2.2:{port}"
    finally:
        server.terminate()
        server.wait(30)


def test_a_registry_is_trusted_mirrored_and_let_go_of(
    docker: Docker, registry: str, tmp_path: Path
) -> None:
    person = docker.person
    trust = {"B2P_CA_BUNDLE": str(tmp_path / "cert.pem")}
    pushed, mirrored = f"{registry}/library/kept", "docker.io/library/kept"
    docker("tag", BUSYBOX, pushed)
    assert "certificate" in docker.run("push", pushed, status=1).err

    person.b2p("up", environment=trust)
    docker("push", pushed)
    docker("rmi", pushed)
    docker("pull", pushed)
    docker("rmi", pushed)

    person.b2p("up", environment={**trust, "B2P_REGISTRY_MIRRORS": f"docker.io={registry}"})
    docker("pull", mirrored)
    docker("rmi", mirrored)

    person.b2p("up")
    assert "certificate" in docker.run("pull", pushed, status=1).err
    person.b2p("up", environment={"B2P_INSECURE_REGISTRIES": registry})
    docker("pull", pushed)
    docker("rmi", pushed)
    person.b2p("up")


def test_logins_of_this_computer_serve_podman_in_the_machine(
    docker: Docker, closed_registry: str
) -> None:
    person = docker.person
    image = f"{closed_registry}/kept"
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    # As `docker login localhost:PORT` here would have left it.
    port = closed_registry.partition(":")[2]
    auths = {"auths": {f"localhost:{port}": {"auth": login}}}
    config = person.home / ".docker/config.json"
    person.b2p("up", environment={"B2P_INSECURE_REGISTRIES": closed_registry})
    docker("tag", BUSYBOX, image)
    refused = person.b2p("podman", "push", image, status=125).err
    assert "authentication required" in refused
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps(auths))
    try:
        person.b2p("podman", "push", image)
        docker("rmi", image)
        assert person.b2p("podman", "run", "--rm", image, "echo", "pulled").out == "pulled\n"
        assert person.inside("ls -d /run/b2p/logins.* 2>&1 || true").startswith("ls: cannot")
        person.b2p("podman", "--rootless", "pull", "--tls-verify=false", image)
    finally:
        config.unlink()
    docker("rmi", image)
    person.b2p("up")


def test_no_change_of_registries_is_one_too_many_for_the_engine(docker: Docker) -> None:
    # systemd's own limit is five starts in ten seconds; a quick computer gets there.
    for number in range(6):
        docker.person.b2p(
            "up", environment={"B2P_INSECURE_REGISTRIES": f"10.0.2.2:{9000 + number}"}
        )
    docker("image", "inspect", BUSYBOX)
    docker.person.inside("for i in 1 2 3 4 5 6; do systemctl restart b2p-engine; done")
    docker("image", "inspect", BUSYBOX)
    docker.person.b2p("up")


def test_a_file_that_is_no_certificate_changes_nothing(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no")
    wish = {"B2P_CA_BUNDLE": str(tmp_path / "ca.pem")}
    said = docker.person.b2p("up", status=2, environment=wish)
    assert "holds no certificate" in said.err
