from __future__ import annotations

from typing import Any

from tests.varlink import podman_json
from tests.varlink.wishes import complete


def test_a_volume(gateway: Any) -> None:
    assert gateway("shapes.volumes").volume(podman_json.VOLUME) == {
        "name": "data",
        "labels": {"a": "b"},
        "mountPoint": "/var/lib/containers/storage/volumes/data/_data",
        "driver": "local",
        "options": {},
    }


def test_a_wish_for_one(gateway: Any) -> None:
    wish = gateway("shapes.volumes").wish
    assert wish(complete(gateway, "VolumeCreateOpts")) == {}
    assert wish(complete(gateway, "VolumeCreateOpts", volumeName="data", labels={"a": "b"})) == {
        "Name": "data",
        "Label": {"a": "b"},
        "Labels": {"a": "b"},
    }
