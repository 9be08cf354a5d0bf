"""What the guest's engine is told of registries: containers' registries.conf. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORM = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._/-]+)?")
"""A registry, perhaps with a folder in it: "docker.io", "10.0.2.2:5000", "quay.io/team"."""


def conf(*, search: Sequence[str], mirrors: Iterable[str], insecure: Iterable[str]) -> str:
    """The file's text; empty where nothing is wished. `mirrors` are written REGISTRY=MIRROR."""
    unsafe = set(insecure)
    of_registry: dict[str, list[str]] = {}
    for pair in mirrors:
        registry, _, mirror = pair.partition("=")
        of_registry.setdefault(registry, []).append(mirror)
    lines = [f"unqualified-search-registries = {json.dumps(list(search))}"] if search else []
    for name in sorted({*of_registry, *unsafe}):
        lines += ["", "[[registry]]", f"location = {json.dumps(name)}", *_safety(name, unsafe)]
        for mirror in of_registry.get(name, ()):
            lines += ["[[registry.mirror]]", f"location = {json.dumps(mirror)}"]
            lines += _safety(mirror, unsafe)
    return "\n".join([*lines, ""]) if lines else ""


def _safety(name: str, unsafe: set[str]) -> list[str]:
    return ["insecure = true"] if name in unsafe else []
