"""What a guest is told about itself and its host, at a cold start and when it is resumed alike."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from b2p import network, surroundings
from b2p.host import computer
from b2p.machine import engines, peers

if TYPE_CHECKING:
    from b2p.settings import Settings
    from b2p.store.layout import Layout
    from b2p.store.record import Record


ENTROPY_BYTES = 64


def whole(layout: Layout, record: Record, settings: Settings) -> dict[str, Any]:
    """All of it, whenever a guest begins to run: nothing that others have."""
    files = layout.machine(record.name)
    public = layout.user_key.with_suffix(".pub")
    has_keys = files.host_key.exists()
    told = news(layout, record, settings)
    # One that begins has no surroundings of before to forget.
    told = {key: value for key, value in told.items() if value}
    return {
        "name": record.name,
        "machine_id": record.uuid.replace("-", ""),
        "entropy": os.urandom(ENTROPY_BYTES).hex(),
        "authorized_keys": [public.read_text().strip()] if has_keys else [],
        "host_keys": {files.host_key.name: files.host_key.read_text()} if has_keys else {},
        "throwaway": layout.is_throwaway,
        "idle_suspend": 0 if layout.is_throwaway else record.idle_suspend,
        # As root one has all rights in mounts; core keeps the number that it was made with.
        "core": os.getuid(),
        **network.told(layout, record),
        **told,
    }


def again(layout: Layout, record: Record, settings: Settings) -> dict[str, Any]:
    """All of it for one that wakes up: it may have been another machine when it was suspended."""
    return {**whole(layout, record, settings), **news(layout, record, settings)}


def news(layout: Layout, record: Record, settings: Settings) -> dict[str, Any]:
    """What changes while a machine is away: also told to one that wakes up."""
    words = {"time": time.time(), **around(settings, record.engine)}
    if words["proxies"] and record.network:
        known = peers.direct(network.members(layout, record.network))
        words["proxies"] = surroundings.proxies(os.environ, known)
    if record.host_calls:
        words["token"] = layout.machine(record.name).token.read_text()
    return words


def around(settings: Settings, engine: str) -> dict[str, Any]:
    """What a guest is told of where it is; raises UsageError where that is wrong on this side."""
    return {
        "proxies": surroundings.proxies(os.environ),
        "certificates": surroundings.certificates(settings.ca_bundle, os.environ),
        "timezone": computer.timezone(os.environ),
        "host_closed": not settings.host_loopback,
        "registries": settings.of_registries.told(engines.by_name(engine).registries),
    }
