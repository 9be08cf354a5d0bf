"""The network around this computer, as machines and containers meet it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.boot.engine import BUSYBOX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.engine import Docker
    from tests.boot.person import Person

pytestmark = pytest.mark.daily

FAR = "http://far.invalid/"


class Answers(BaseHTTPRequestHandler):
    """Says which address it was asked for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"asked for {self.path}".encode())

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class OnIPv6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def served(server: HTTPServer) -> Iterator[int]:
    """The port of a server that runs meanwhile."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def here() -> Iterator[int]:
    """A web server on this computer's loopback; as a proxy it answers for any address."""
    yield from served(ThreadingHTTPServer(("127.0.0.1", 0), Answers))


@pytest.fixture
def here_on_ipv6() -> Iterator[int]:
    """The same on ::1."""
    yield from served(OnIPv6(("::1", 0), Answers))


@pytest.mark.parametrize("name", ["host.containers.internal", "host.docker.internal"])
def test_this_computer_has_a_name_in_containers(docker: Docker, here: int, name: str) -> None:
    line = ("wget", "-T", "20", "-q", "-O", "-", f"http://{name}:{here}/hello")
    docker("network", "create", "own")
    try:
        for options in ([], ["--network", "own"], ["--network", "host"]):
            assert docker("run", "--rm", *options, BUSYBOX, *line) == "asked for /hello"
        gateway = f"--add-host={name}:host-gateway"
        assert docker("run", "--rm", gateway, BUSYBOX, *line) == "asked for /hello"
    finally:
        docker("network", "rm", "-f", "own")


def test_this_computer_is_reached_by_ipv6_too(machine: Person, here_on_ipv6: int) -> None:
    ask = (
        "import urllib.request as r;"
        f"print(r.urlopen('http://[fec0::2]:{here_on_ipv6}/six').read().decode())"
    )
    assert machine.inside(f'python3 -c "{ask}"') == "asked for /six\n"


def test_proxies_come_in_with_a_start_and_go_with_a_resume(
    docker: Docker, machine: Person, here: int
) -> None:
    machine.b2p("down")
    given = {"HTTP_PROXY": f"http://localhost:{here}", "no_proxy": ".corp"}
    machine.b2p("up", environment=given)
    through = f"wget -T 20 -q -O - {FAR}"
    inside = f"http://10.0.2.2:{here}"
    assert docker("run", "--rm", BUSYBOX, "sh", "-c", through) == f"asked for {FAR}"
    assert machine.b2p("ssh", "--", "echo $http_proxy").out == f"{inside}\n"
    assert ".corp" in machine.b2p("ssh", "--root", "--", "echo $NO_PROXY").out
    built = machine.b2p("podman", "run", "--rm", BUSYBOX, "sh", "-c", "echo $HTTP_PROXY").out
    assert built == f"{inside}\n"
    context = f'FROM {BUSYBOX}\nRUN {through} > /told\nCMD ["cat", "/told"]\n'
    machine.inside(f"printf '{context}' > /root/Containerfile")
    machine.b2p("podman", "build", "-t", "localhost/through", "-f", "/root/Containerfile")
    assert docker("run", "--rm", "localhost/through") == f"asked for {FAR}"
    # A network of another place: the machine goes on without a restart.
    machine.b2p("suspend")
    assert "goes on" in machine.b2p("up").err
    assert machine.b2p("ssh", "--", "echo none: $http_proxy").out == "none:\n"
    assert docker("run", "--rm", BUSYBOX, "sh", "-c", "echo none: $http_proxy") == "none:"


def test_a_proxy_that_refuses_is_told(machine: Person, free_port: Any) -> None:
    machine.b2p("down")
    port = free_port()
    said = machine.b2p("up", environment={"HTTPS_PROXY": f"127.0.0.1:{port}"}).err
    assert f"the proxy 127.0.0.1:{port} takes no connection: connection refused" in said
    wrong = machine.b2p("up", "other", status=2, environment={"http_proxy": "http://a b"}).err
    assert "is not a proxy's address" in wrong


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One of a company's own, which nobody else trusts, with its key."""
    file = tmp_path / "own.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=corp", "-addext", "subjectAltName=IP:10.0.2.2"]
    subprocess.run(
        [*words, "-keyout", file, "-out", tmp_path / "c"], check=True, capture_output=True
    )
    file.write_bytes(file.read_bytes() + (tmp_path / "c").read_bytes())
    return file


@pytest.fixture
def behind_tls(certificate: Path) -> Iterator[int]:
    """A web server that shows it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield from served(server)


def test_a_companys_certificates_are_trusted(
    machine: Person, certificate: Path, behind_tls: int
) -> None:
    ask = (
        "import ssl, urllib.request as r;"
        "c = ssl.create_default_context(cafile='/etc/ssl/certs/ca-certificates.crt');"
        f"print(r.urlopen('https://10.0.2.2:{behind_tls}/tls', context=c).read().decode())"
    )
    pull = ("podman", "pull", f"10.0.2.2:{behind_tls}/image")
    assert "certificate" in machine.b2p(*pull, status=125).err
    machine.b2p("suspend")
    machine.b2p("up", environment={"B2P_CA_BUNDLE": str(certificate)})
    assert machine.inside(f'python3 -c "{ask}"') == "asked for /tls\n"
    # It gets as far as to see that this is no registry.
    assert "certificate" not in machine.b2p(*pull, status=125).err
    missing = machine.b2p("up", "other", status=2, environment={"B2P_CA_BUNDLE": "/missing"}).err
    assert "ca_bundle '/missing' cannot be read" in missing
