"""The files and units that a guest gets, whichever way they are brought there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from b2p.provision import forwarders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.families.model import Family
    from b2p.provision.told import Told

PROFILE = "/etc/profile.d/50-b2p-proxy.sh"


@dataclass(frozen=True, slots=True)
class GuestFile:
    """A file of root's."""

    path: str
    text: str
    mode: int = 0o644


def files(family: Family, told: Told, *, host_keys: bool = True) -> list[GuestFile]:
    """What the family has a place for; without host keys where they go another way."""
    places = family.places
    found: list[GuestFile] = []
    if places.hostname:
        found.append(GuestFile(places.hostname, f"{told.name}\n"))
    if host_keys and places.ssh_host_key and told.host_key:
        found.append(GuestFile(places.ssh_host_key, told.host_key, 0o600))
        found.append(GuestFile(f"{places.ssh_host_key}.pub", told.host_key_public))
    if places.proxy and told.proxy:
        found += _proxy(places.proxy, told)
    if places.registries and (text := told.registries.told(places.registries_format)):
        found.append(GuestFile(places.registries, text))
    return found


def units(family: Family) -> list[forwarders.Unit]:
    """The forwarders' units that the family needs; none where it has no place for units."""
    return forwarders.units(family) if family.places.units else []


def enabled(family: Family) -> list[str]:
    """Names of all units to enable: engines' own ones, then the forwarders'."""
    if not family.places.units:
        return []
    own = [engine.unit for engine in family.engines if engine.unit]
    return [*own, *(unit.name for unit in units(family) if unit.enable)]


def _proxy(path: str, told: Told) -> Iterator[GuestFile]:
    """For services by systemd's own settings, for people by their shell's."""
    pairs = [
        (spelling, value) for name, value in told.proxy.items() for spelling in (name, name.lower())
    ]
    # A % would begin one of systemd's specifiers.
    lines = [f'DefaultEnvironment="{name}={value.replace("%", "%%")}"' for name, value in pairs]
    yield GuestFile(path, "\n".join(["[Manager]", *lines, ""]))
    yield GuestFile(PROFILE, "".join(f"export {name}='{value}'\n" for name, value in pairs))
