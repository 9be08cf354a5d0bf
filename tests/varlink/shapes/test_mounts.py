from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def mounts(gateway: Any) -> Any:
    return gateway("shapes.mounts")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/a:/b", {"type": "bind", "source": "/a", "destination": "/b", "options": ["rbind"]}),
        (
            "/a:/b:ro,z",
            {"type": "bind", "source": "/a", "destination": "/b", "options": ["rbind", "ro", "z"]},
        ),
        ("/a:/b:bind", {"type": "bind", "source": "/a", "destination": "/b", "options": ["bind"]}),
        ("data:/d:ro", {"Name": "data", "Dest": "/d", "Options": ["ro"]}),
        ("/d", {"Name": "", "Dest": "/d"}),
    ],
)
def test_a_volume(mounts: Any, text: str, wanted: dict[str, Any]) -> None:
    assert mounts.volume(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "type=bind,source=/a,destination=/b,readonly",
            {"type": "bind", "source": "/a", "destination": "/b", "options": ["rbind", "ro"]},
        ),
        (
            "type=bind,src=/a,dst=/b,ro=false,bind-propagation=rslave",
            {
                "type": "bind",
                "source": "/a",
                "destination": "/b",
                "options": ["rbind", "rw", "rslave"],
            },
        ),
        ("type=volume,source=data,target=/d", {"Name": "data", "Dest": "/d", "Options": []}),
        (
            "type=tmpfs,target=/t,tmpfs-size=1m",
            {"type": "tmpfs", "source": "tmpfs", "destination": "/t", "options": ["size=1m"]},
        ),
    ],
)
def test_a_mount(mounts: Any, text: str, wanted: dict[str, Any]) -> None:
    assert mounts.mount(text) == wanted


@pytest.mark.parametrize("text", ["", "type=bind,source=/a", "type=devpts,destination=/d"])
def test_a_mount_that_cannot_be_read(mounts: Any, text: str) -> None:
    with pytest.raises(ValueError, match="mount"):
        mounts.mount(text)


def test_a_tmpfs(mounts: Any) -> None:
    assert mounts.tmpfs("/t:size=1m,mode=700") == {
        "type": "tmpfs",
        "source": "tmpfs",
        "destination": "/t",
        "options": ["size=1m", "mode=700"],
    }
    assert mounts.tmpfs("/t")["options"] == []


def test_volumes_and_mounts_are_sorted_by_what_they_are(mounts: Any) -> None:
    wish = {
        "volume": ["/a:/b", "data:/d"],
        "mount": ["type=volume,source=v,target=/v"],
        "tmpfs": ["/t"],
        "volumesFrom": ["other"],
    }
    told = mounts.storage(wish)
    assert [one["destination"] for one in told["mounts"]] == ["/b", "/t"]
    assert [one["Name"] for one in told["volumes"]] == ["data", "v"]
    assert told["volumes_from"] == ["other"]
