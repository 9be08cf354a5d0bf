"""What holds for a machine, setting by setting, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p import readers, settings, sizes, spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from b2p.settings import Layer
    from b2p.store.record import Record

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting."""

    key: str
    value: object
    """As a b2p.toml would hold it."""
    origin: str

    def as_json(self) -> dict[str, object]:
        """For programs: keys are only ever added."""
        return {"key": self.key, "value": self.value, "from": self.origin}


def rows(layers: Sequence[Layer], record: Record | None, *, cores: int) -> list[Row]:
    """Every setting; a machine that is there keeps what was decided for it and nobody says now."""
    found = settings.merged(layers, cores=cores)
    said = {key: _told(layer.origin, key) for layer in layers for key in layer.values}
    kept = _kept(record) if record else {}
    return [
        Row(key=key, value=kept[key], origin=f"machine {record.name!r}, as it was made")
        if record and key in kept and key not in said
        else Row(key=key, value=_written(key, getattr(found, key)), origin=said.get(key, DEFAULT))
        for key in settings.KEYS
    ]


def _told(origin: str, key: str) -> str:
    return f"B2P_{key.upper()}" if origin == settings.ENVIRONMENT else origin


def _kept(record: Record) -> dict[str, object]:
    return {
        "cpus": record.cpus,
        "memory": sizes.written(record.memory_mib * sizes.MIB),
        "disk": sizes.written(record.disk_bytes),
        "accel": record.accel,
        "varlink": record.varlink,
        "idle_suspend": spans.written(record.idle_suspend),
        "network": record.network,
        "mounts": list(record.mounts),
    }


def _written(key: str, value: object) -> object:
    if key in readers.SPANS and isinstance(value, int):
        return spans.written(value)
    if key in readers.SIZES and isinstance(value, int):
        return sizes.written(value)
    return list(value) if isinstance(value, tuple) else value
