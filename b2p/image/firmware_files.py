"""Firmware as it goes into a guest: its @WORDS@ filled from the constants that both sides share.

Pure but for reading the files.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from b2p.machine import ports

if TYPE_CHECKING:
    from pathlib import Path

_WORD = re.compile(rb"@([A-Z][A-Z_]+)@")
_CONSTANTS = {
    name: str(value).encode()
    for name, value in vars(ports).items()
    if name[0].isalpha() and name.isupper()
}


def filled(text: bytes) -> bytes:
    """The text with every @NAME@ replaced by that constant of b2p.machine.ports."""
    return _WORD.sub(lambda match: _CONSTANTS[match[1].decode()], text)


def files_below(root: Path) -> list[tuple[str, bytes, int]]:
    """(path from root, filled content, mode) of each file, sorted; scripts are executable."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = filled(path.read_bytes())
            mode = 0o755 if content.startswith(b"#!") else 0o644
            found.append((path.relative_to(root).as_posix(), content, mode))
    return found


def digest(root: Path) -> str:
    """One digest of all firmware that goes into an image."""
    state = hashlib.sha256()
    for folder in ("initrd", "build", "guest"):
        for name, content, mode in files_below(root / folder):
            state.update(f"{folder}/{name} {mode:o} {len(content)}\n".encode())
            state.update(content)
    return state.hexdigest()
