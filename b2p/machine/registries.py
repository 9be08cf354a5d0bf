"""What a guest's engine is told of registries, in podman's words and in docker's. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

FORM = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._/-]+)?")
"""A registry, perhaps with a folder in it: "docker.io", "10.0.2.2:5000", "quay.io/team"."""

MIRROR_EXAMPLE = "docker.io=mirror.example:5000"
DOCKERS_OWN = "docker.io"


def misspelt(word: str, *, pair: bool) -> str:
    """What is wrong with a word of a setting, REGISTRY=MIRROR for a pair; empty: nothing."""
    words = word.split("=") if pair else [word]
    if len(words) != 1 + pair:
        return f'registry_mirrors takes pairs, such as ["{MIRROR_EXAMPLE}"]'
    if not all(map(FORM.fullmatch, words)):
        return f"{word!r} is not the name of a registry, such as 10.0.2.2:5000"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """What is wished of them; every word is of FORM."""

    search: tuple[str, ...] = ()
    """Where short names are looked for."""
    mirrors: tuple[str, ...] = ()
    """Written REGISTRY=MIRROR; several of one registry are asked in this order."""
    insecure: tuple[str, ...] = ()
    """Those that may speak plain HTTP or show any certificate."""

    @property
    def words(self) -> tuple[str, ...]:
        """Every name of a registry in it."""
        pairs = (word for pair in self.mirrors for word in pair.split("=", 1))
        return (*self.search, *pairs, *self.insecure)

    def told(self, engine: str) -> str:
        """In the words of an engine, podman or docker."""
        return self.for_docker() if engine == "docker" else self.for_podman()

    def for_podman(self) -> str:
        """The text of containers-registries.conf(5); empty where nothing is wished."""
        of_registry: dict[str, list[str]] = {}
        for pair in self.mirrors:
            registry, _, mirror = pair.partition("=")
            of_registry.setdefault(registry, []).append(mirror)
        lines = []
        if self.search:
            lines = [f"unqualified-search-registries = {json.dumps(list(self.search))}"]
        for name in sorted({*of_registry, *self.insecure}):
            lines += ["", "[[registry]]", f"location = {json.dumps(name)}", *self._safety(name)]
            for mirror in of_registry.get(name, ()):
                lines += ["[[registry.mirror]]", f"location = {json.dumps(mirror)}"]
                lines += self._safety(mirror)
        return "\n".join([*lines, ""]) if lines else ""

    def for_docker(self) -> str:
        """The text of daemon.json; docker knows mirrors of its own hub only."""
        mirrors = [
            f"{'http' if mirror in self.insecure else 'https'}://{mirror}"
            for registry, _, mirror in (pair.partition("=") for pair in self.mirrors)
            if registry == DOCKERS_OWN
        ]
        document = {"registry-mirrors": mirrors, "insecure-registries": list(self.insecure)}
        told = {key: value for key, value in document.items() if value}
        return f"{json.dumps(told)}\n" if told else ""

    def _safety(self, name: str) -> list[str]:
        return ["insecure = true"] if name in self.insecure else []
