"""Published ports: [HOST-IP:][HOST-PORT:]PORT[/PROTOCOL] as podman's port mappings."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def port_mappings(published: list[str] | None) -> list[dict[str, Any]]:
    """All of them; ValueError for what is no port."""
    return [port_mapping(text) for text in published or ()]


def port_mapping(text: str) -> dict[str, Any]:
    """One mapping; podman chooses a host port where none is given."""
    ports, _, protocol = text.partition("/")
    rest, _, inner = ports.rpartition(":")
    address, _, outer = rest.rpartition(":")
    start, count = port_range(inner, text)
    mapping: dict[str, Any] = {"container_port": start, "protocol": protocol or "tcp"}
    if outer:
        host, host_count = port_range(outer, text)
        if host_count != count:
            raise ValueError(f"{text!r} has ranges of different length")
        mapping["host_port"] = host
    if count > 1:
        mapping["range"] = count
    if address:
        mapping["host_ip"] = address.strip("[]")
    return mapping


def port_range(text: str, whole: str) -> tuple[int, int]:
    """First port and number of ports."""
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise ValueError(f"{whole!r} is no port to publish")
    start, end = int(first), int(last or first)
    if not 0 < start <= end < 65536:
        raise ValueError(f"{whole!r} is no port to publish")
    return start, end - start + 1
