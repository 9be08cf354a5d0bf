"""What was found out about QEMUs and accelerators, kept so that it is asked once (findings.json).

A cache and nothing more: a file that is lost, broken or of another schema is an empty one, and one
that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

SCHEMA = 1


def read(path: Path, kind: str, key: str) -> dict[str, Any] | None:
    """What is known under that kind and key; None where nothing is."""
    finding = _load(path).get(kind, {}).get(key)
    return finding if isinstance(finding, dict) else None


def write(path: Path, kind: str, key: str, finding: dict[str, Any], *, keep: int = 16) -> None:
    """Keep a finding, and of its kind the `keep` latest; the file is written aside and renamed."""
    findings = _load(path)
    of_kind = {name: old for name, old in findings.get(kind, {}).items() if name != key}
    findings[kind] = dict([*of_kind.items(), (key, finding)][-keep:])
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, json.dumps({**findings, "schema": SCHEMA}, indent=1))


def _load(path: Path) -> dict[str, dict[str, Any]]:
    try:
        findings = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(findings, dict) or findings.get("schema") != SCHEMA:
        return {}
    return {kind: known for kind, known in findings.items() if isinstance(known, dict)}


def _replace(path: Path, text: str) -> None:
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
