"""Proxies and certificates of this computer, as a guest is told them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from b2p import surroundings
from b2p.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

DIRECT = "localhost,127.0.0.1,::1,10.0.2.2,host.containers.internal,host.docker.internal"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----"


def test_without_proxies_nothing_is_told() -> None:
    assert surroundings.proxies({}) == {}
    assert surroundings.proxies({"NO_PROXY": "a", "HTTP_PROXY": "", "PATH": "/bin"}) == {}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("http://localhost:3128", "http://10.0.2.2:3128"),
        ("localhost:3128", "http://10.0.2.2:3128"),
        ("http://127.0.0.1:3128/", "http://10.0.2.2:3128/"),
        ("http://127.9.9.9:3128", "http://10.0.2.2:3128"),
        ("http://[::1]:3128", "http://10.0.2.2:3128"),
        ("http://me:se%20cret@LOCALHOST:3128", "http://me:se%20cret@10.0.2.2:3128"),
        ("socks5h://localhost", "socks5h://10.0.2.2"),
        ("http://localhost.example:1", "http://localhost.example:1"),
    ],
)
def test_a_proxy_here_is_led_to_from_inside(given: str, told: str) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        found = surroundings.proxies({name: given})
        assert (found["http_proxy"], found["HTTP_PROXY"]) == (told, told)
        assert found["no_proxy"] == found["NO_PROXY"] == DIRECT
        assert set(found) == {"http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"}


def test_exceptions_are_kept() -> None:
    given = {"HTTPS_PROXY": "http://p:1", "no_proxy": '.corp, 10.0.0.0/8 localhost,,a"b'}
    assert surroundings.proxies(given)["no_proxy"] == f".corp,10.0.0.0/8,{DIRECT}"


@pytest.mark.parametrize(
    "given", ["http://", "http://a b:1", "http://p:port", "http://p:99999", 'http://p"x:1', "://"]
)
def test_what_is_no_proxys_address_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="https_proxy is"):
        surroundings.proxies({"HTTPS_PROXY": given})


def test_a_proxy_that_takes_no_connection_is_told_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        there = {"http_proxy": f"http://127.0.0.1:{port}"}
        assert list(surroundings.deaf_proxies(there)) == []
    gone = {**there, "https_proxy": f"127.0.0.1:{port}"}
    assert list(surroundings.deaf_proxies(gone)) == [
        ("http_proxy", f"the proxy 127.0.0.1:{port} takes no connection: connection refused")
    ]


def test_certificates_are_taken_out_of_a_file_once_each(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    one, two = CERTIFICATE.format("MIIB"), CERTIFICATE.format("MIIC")
    file.write_text(f"# ours\n{one}\n{two}\n{one}\n-----BEGIN PRIVATE KEY-----\nx\n")
    assert surroundings.certificates(str(file), {}) == f"{one}\n{two}\n"
    assert surroundings.certificates("host", {"SSL_CERT_FILE": str(file)}) == f"{one}\n{two}\n"
    assert surroundings.certificates("", {"SSL_CERT_FILE": str(file)}) == ""


def test_a_bundle_that_is_of_no_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("nothing")
    (tmp_path / "large").write_text(
        "".join(CERTIFICATE.format("A" * 99_999 + str(n)) for n in range(9))
    )
    for wish, reason in (
        (tmp_path / "empty", "holds no certificate"),
        (tmp_path / "large", "bytes of certificates"),
        (tmp_path / "missing", "cannot be read: no such file"),
        (tmp_path, "cannot be read: is a directory"),
    ):
        with pytest.raises(UsageError, match=reason):
            surroundings.certificates(str(wish), {})


def test_a_host_without_a_bundle_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "BUNDLES", ("/nowhere",))
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(UsageError, match="was not found"):
        surroundings.certificates("host", {})
