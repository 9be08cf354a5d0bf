"""podman's connections: podman-connections.json, which podman 4.8 and newer reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2p.client import env
from b2p.client.documents import Change, compact, object_of
from b2p.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.client.documents import Entry

PROGRAMS = ("podman", "podman-remote")
EMPTY: dict[str, Any] = {"Connection": {}, "Farm": {}}


def place(environment: Mapping[str, str]) -> Path:
    """Where podman keeps its connections."""
    if given := environment.get("PODMAN_CONNECTIONS_CONF"):
        return Path(given)
    home = Path(environment.get("HOME", "/"))
    settings = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return settings / "containers/podman-connections.json"


@dataclass(frozen=True, slots=True)
class Podman:
    """See Client; `place` is podman-connections.json."""

    place: Path

    def leads_to(self, alias: str) -> str:
        """The URI of the connection of that name."""
        found = self._connections().get(alias, {})
        return str(found.get("URI", "")) if isinstance(found, dict) else ""

    def address(self, entry: Entry) -> str:
        """The socket as podman parses it."""
        return env.url_of(entry.socket)

    def default(self) -> str:
        """The name of the default connection."""
        return str(self._connection().get("Default", ""))

    def telling(self, entry: Entry, *, default: bool) -> list[Change]:
        """The file with that connection; podman's default stays unless it is to be this one."""
        chosen = entry.alias if default else self.default()
        if self.leads_to(entry.alias) == self.address(entry) and chosen == self.default():
            return []
        ours = {entry.alias: {"URI": self.address(entry)}}
        return [self._change(chosen, {**self._connections(), **ours})]

    def forgetting(self, entry: Entry, *, default_before: str) -> list[Change]:
        """The file without that connection, if it still leads to the machine."""
        if self.leads_to(entry.alias) != self.address(entry):
            return []
        left = {key: value for key, value in self._connections().items() if key != entry.alias}
        chosen = self.default()
        if chosen == entry.alias:
            chosen = default_before if default_before in left else ""
        return [self._change(chosen, left)]

    def _change(self, default: str, connections: dict[str, Any]) -> Change:
        """As podman writes it: what is empty is left out."""
        document = object_of(self.place) or EMPTY
        others = {key: value for key, value in self._connection().items() if key not in _OURS}
        ours = {"Default": default, "Connections": connections}
        after = {key: value for key, value in ours.items() if value}
        document = {**document, "Connection": {**after, **others}}
        return Change(self.place, "" if document == EMPTY else f"{compact(document)}\n")

    def _connection(self) -> dict[str, Any]:
        found = object_of(self.place).get("Connection", {})
        if not isinstance(found, dict) or not isinstance(found.get("Connections") or {}, dict):
            raise StateError(f"{str(self.place)!r} is not as podman writes it", "correct it there")
        return found

    def _connections(self) -> dict[str, Any]:
        return self._connection().get("Connections") or {}


_OURS = ("Default", "Connections")
