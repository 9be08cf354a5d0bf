from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def publish(gateway: Any) -> Any:
    return gateway("shapes.publish")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("80", {"container_port": 80, "protocol": "tcp"}),
        ("8080:80", {"container_port": 80, "protocol": "tcp", "host_port": 8080}),
        ("53:53/udp", {"container_port": 53, "protocol": "udp", "host_port": 53}),
        (
            "127.0.0.1:8080:80",
            {"container_port": 80, "protocol": "tcp", "host_port": 8080, "host_ip": "127.0.0.1"},
        ),
        ("127.0.0.1::80", {"container_port": 80, "protocol": "tcp", "host_ip": "127.0.0.1"}),
        (
            "[::1]:8080:80",
            {"container_port": 80, "protocol": "tcp", "host_port": 8080, "host_ip": "::1"},
        ),
        (
            "8000-8002:80-82",
            {"container_port": 80, "protocol": "tcp", "host_port": 8000, "range": 3},
        ),
    ],
)
def test_a_published_port(publish: Any, text: str, wanted: dict[str, Any]) -> None:
    assert publish.port_mapping(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "x", "0", "65536", "80-70", "8000-8001:80", "8080:", "-1", "a:80"]
)
def test_no_port(publish: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"publish|length"):
        publish.port_mapping(text)


def test_all_of_them(publish: Any) -> None:
    assert publish.port_mappings(None) == []
    assert [one["container_port"] for one in publish.port_mappings(["80", "81"])] == [80, 81]
