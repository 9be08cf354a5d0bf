"""docker's contexts: a file for each, found by the name's sha256; config.json names the current."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.client.documents import Change, compact, object_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.client.documents import Entry

PROGRAMS = ("docker", "docker-compose")
PRIVATE = 0o600


def place(environment: Mapping[str, str]) -> Path:
    """Where docker keeps its settings."""
    return Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/"), ".docker"))


@dataclass(frozen=True, slots=True)
class Docker:
    """See Client; `place` is docker's directory of settings."""

    place: Path

    def leads_to(self, alias: str) -> str:
        """The host of the context of that name."""
        try:
            return str(object_of(self._context(alias))["Endpoints"]["docker"]["Host"])
        except (KeyError, TypeError):
            return ""

    def address(self, entry: Entry) -> str:
        """Docker's clients take what comes after unix:// as it is."""
        return f"unix://{entry.docker_socket}"

    def default(self) -> str:
        """The current context."""
        return str(object_of(self._config).get("currentContext", ""))

    def telling(self, entry: Entry, *, default: bool) -> list[Change]:
        """The context's file; config.json where it is to be the current one."""
        changes = []
        if self.leads_to(entry.alias) != self.address(entry):
            context = {
                "Name": entry.alias,
                "Metadata": {"Description": entry.description},
                "Endpoints": {"docker": {"Host": self.address(entry), "SkipTLSVerify": False}},
            }
            changes.append(Change(self._context(entry.alias), compact(context)))
        if default and self.default() != entry.alias:
            changes.append(self._preferring(entry.alias))
        return changes

    def forgetting(self, entry: Entry, *, default_before: str) -> list[Change]:
        """No such file, if it still leads to the machine; what was current before is again."""
        known = {f"unix://{socket}" for socket in (entry.socket, entry.docker_socket)}
        if self.leads_to(entry.alias) not in known:
            return []
        changes = [Change(self._context(entry.alias), "")]
        if self.default() == entry.alias:
            there = default_before and self.leads_to(default_before)
            changes.append(self._preferring(default_before if there else ""))
        return changes

    def _preferring(self, name: str) -> Change:
        document = object_of(self._config)
        document.pop("currentContext", None)
        if name:
            document["currentContext"] = name
        text = json.dumps(document, indent="\t", ensure_ascii=False) if document else ""
        return Change(self._config, text, PRIVATE)

    @property
    def _config(self) -> Path:
        return self.place / "config.json"

    def _context(self, alias: str) -> Path:
        return (
            self.place / "contexts/meta" / hashlib.sha256(alias.encode()).hexdigest() / "meta.json"
        )
