from __future__ import annotations

from typing import Any

import pytest

from tests.varlink.wishes import complete


@pytest.fixture
def resources(gateway: Any) -> Any:
    shape = gateway("shapes.resources")
    return lambda **wish: shape.resources(complete(gateway, "Create", **wish))


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({}, {}),
        ({"memory": "0"}, {}),
        ({"memory": "1g", "memorySwap": "-1"}, {"memory": {"limit": 1 << 30, "swap": -1}}),
        ({"memoryReservation": "5m"}, {"memory": {"reservation": 5 << 20}}),
        ({"memorySwappiness": 0}, {"memory": {"swappiness": 0}}),
        ({"memorySwappiness": -1}, {}),
        ({"oomKillDisable": True}, {"memory": {"disableOOMKiller": True}}),
        ({"cpus": 1.5}, {"cpu": {"quota": 150_000, "period": 100_000}}),
        ({"cpuShares": 512, "cpuSetCpus": "0-1"}, {"cpu": {"shares": 512, "cpus": "0-1"}}),
        ({"pidsLimit": 100}, {"pids": {"limit": 100}}),
        ({"blkioWeight": "300"}, {"blockIO": {"weight": 300}}),
    ],
)
def test_limits(resources: Any, wish: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert resources(**wish)["resource_limits"] == wanted


def test_rates_of_devices(resources: Any) -> None:
    told = resources(
        deviceReadBps=["/dev/sda:1m"],
        deviceWriteIops=["/dev/sda:100"],
        blkioWeightDevice=["/dev/sda:200"],
    )
    assert told["throttleReadBpsDevice"] == {"/dev/sda": {"rate": 1 << 20}}
    assert told["throttleWriteIOPSDevice"] == {"/dev/sda": {"rate": 100}}
    assert told["weightDevice"] == {"/dev/sda": {"weight": 200}}


def test_ulimits(resources: Any) -> None:
    assert resources(ulimit=["nofile=10:20", "core=-1"])["r_limits"] == [
        {"type": "nofile", "soft": 10, "hard": 20},
        {"type": "core", "soft": -1, "hard": -1},
    ]


@pytest.mark.parametrize(
    "wish",
    [
        {"ulimit": ["nofile"]},
        {"ulimit": ["nofile=a"]},
        {"ulimit": ["nofile=1:b"]},
        {"memory": "lots"},
        {"blkioWeight": "x"},
        {"deviceReadBps": ["/dev/sda"]},
    ],
)
def test_limits_that_cannot_be_read(resources: Any, wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        resources(**wish)
