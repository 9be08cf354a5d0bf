from __future__ import annotations

import json
from typing import Any

import pytest

from tests.varlink.wishes import complete


@pytest.fixture
def query(gateway: Any) -> Any:
    shape = gateway("shapes.build")

    def asked(**wish: Any) -> dict[str, Any]:
        told = shape.query(complete(gateway, "BuildInfo", **wish))
        return {name: value for name, value in told.items() if value}

    return asked


def test_a_build_of_nothing_special(query: Any) -> None:
    assert query() == {"dockerfile": '["Dockerfile"]'}


@pytest.mark.parametrize(
    ("wish", "name", "wanted"),
    [
        ({"output": "a", "additionalTags": ["b", ""]}, "t", ["a", "b"]),
        ({"outputFormat": "oci"}, "outputformat", "application/vnd.oci.image.manifest.v1+json"),
        (
            {"outputFormat": "docker"},
            "outputformat",
            "application/vnd.docker.distribution.manifest.v2+json",
        ),
        (
            {"outputFormat": "application/vnd.oci.image.manifest.v1+json"},
            "outputformat",
            "application/vnd.oci.image.manifest.v1+json",
        ),
        ({"pullPolicy": "PullAlways"}, "pullpolicy", "always"),
        ({"pullPolicy": "never"}, "pullpolicy", "never"),
        ({"target": "stage"}, "target", "stage"),
        ({"os": "linux", "architecture": "arm64"}, "platform", "linux/arm64"),
        ({"architecture": "arm64"}, "platform", "linux/arm64"),
        ({"layers": True}, "layers", True),
        ({"nocache": True}, "nocache", True),
        ({"buildOptions": {"shmSize": "1m"}}, "shmsize", 1 << 20),
        ({"buildOptions": {"memory": 5}}, "memory", 5),
        ({"buildOptions": {"volume": ["/a:/b"]}}, "volume", ["/a:/b"]),
    ],
)
def test_a_wish(query: Any, wish: dict[str, Any], name: str, wanted: Any) -> None:
    assert query(**wish)[name] == wanted


@pytest.mark.parametrize(
    ("wish", "name", "wanted"),
    [
        ({"dockerfiles": ["/home/me/ctx/Dockerfile.dev", "https://x/D", "/"]}, "dockerfile",
         ["Dockerfile.dev", "https://x/D"]),
        ({"buildArgs": {"A": "1"}}, "buildargs", {"A": "1"}),
        ({"label": ["a=b"]}, "labels", {"a": "b"}),
        ({"annotations": ["a=b"]}, "annotations", ["a=b"]),
        ({"addCapabilities": ["SYS_ADMIN"]}, "addcaps", ["SYS_ADMIN"]),
        ({"dropCapabilities": ["CHOWN"]}, "dropcaps", ["CHOWN"]),
        ({"devices": ["/dev/fuse"]}, "devices", ["/dev/fuse"]),
        ({"buildOptions": {"addHosts": ["a:1"]}}, "extrahosts", ["a:1"]),
        ({"buildOptions": {"ulimit": ["nofile=1"]}}, "ulimits", ["nofile=1"]),
    ],
)  # fmt: skip
def test_a_wish_that_goes_as_json(query: Any, wish: dict[str, Any], name: str, wanted: Any) -> None:
    assert json.loads(query(**wish)[name]) == wanted


def test_a_size_that_cannot_be_read(query: Any) -> None:
    with pytest.raises(ValueError, match="no size"):
        query(buildOptions={"shmSize": "much"})
