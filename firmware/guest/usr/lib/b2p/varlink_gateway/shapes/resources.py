"""Limits of Create as the OCI's Linux resources."""

from __future__ import annotations

from .words import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

PERIOD = 100_000
RATES = {
    "deviceReadBps": "throttleReadBpsDevice",
    "deviceWriteBps": "throttleWriteBpsDevice",
    "deviceReadIops": "throttleReadIOPSDevice",
    "deviceWriteIops": "throttleWriteIOPSDevice",
}


def resources(create: Json) -> Json:
    """What the specification says of limits; empty parts are left out."""
    limits = {"memory": memory(create), "cpu": cpu(create)}
    if create["pidsLimit"]:
        limits["pids"] = {"limit": create["pidsLimit"]}
    if create["blkioWeight"]:
        limits["blockIO"] = {"weight": int(create["blkioWeight"])}
    told: Json = {"resource_limits": {name: limit for name, limit in limits.items() if limit}}
    told["weightDevice"] = {
        path: {"weight": int(weight)} for path, weight in devices(create["blkioWeightDevice"])
    }
    for field, name in RATES.items():
        told[name] = {path: {"rate": size(rate)} for path, rate in devices(create[field])}
    told["r_limits"] = [ulimit(text) for text in create["ulimit"] or ()]
    return told


def memory(create: Json) -> Json:
    """Limits of memory; -1 in memorySwap means none."""
    limits: Json = {}
    for field, name in (
        ("memory", "limit"),
        ("memoryReservation", "reservation"),
        ("memorySwap", "swap"),
    ):
        if create[field] and create[field] != "0":
            limits[name] = -1 if create[field] == "-1" else size(create[field])
    if (create["memorySwappiness"] if create["memorySwappiness"] is not None else -1) >= 0:
        limits["swappiness"] = create["memorySwappiness"]
    if create["oomKillDisable"]:
        limits["disableOOMKiller"] = True
    return limits


def cpu(create: Json) -> Json:
    """Limits of processors; `cpus` is a share of time, told as quota and period."""
    limits = {
        "shares": create["cpuShares"],
        "quota": create["cpuQuota"],
        "period": create["cpuPeriod"],
        "realtimePeriod": create["cpuRtPeriod"],
        "realtimeRuntime": create["cpuRtRuntime"],
        "cpus": create["cpuSetCpus"],
        "mems": create["cpuSetMems"],
    }
    if create["cpus"]:
        limits.update(quota=int(create["cpus"] * PERIOD), period=PERIOD)
    return {name: value for name, value in limits.items() if value}


def devices(words: list[str] | None) -> list[tuple[str, str]]:
    """PATH:VALUE words."""
    parted = (word.rpartition(":") for word in words or ())
    return [(path, value) for path, _, value in parted]


def ulimit(text: str) -> Json:
    """NAME=SOFT[:HARD]."""
    name, equals, values = text.partition("=")
    soft, _, hard = values.partition(":")
    if not equals or not _whole(soft) or not _whole(hard or soft):
        raise ValueError(f"{text!r} is no ulimit")
    return {"type": name, "soft": int(soft), "hard": int(hard or soft)}


def _whole(text: str) -> bool:
    return text.removeprefix("-").isdigit()
