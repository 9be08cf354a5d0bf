"""Firmware as it goes into a guest: its @WORDS@ filled from the constants that both sides share.

Pure but for reading the files.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from b2p.machine import engines, ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from b2p.machine.engines import Engine

_WORD = re.compile(rb"@([A-Z][A-Z_]+)@")
_CONSTANTS = {
    name: str(value).encode()
    for name, value in vars(ports).items()
    if name[0].isalpha() and name.isupper()
}


def filled(text: bytes, engine: Engine = engines.PODMAN) -> bytes:
    """The text with every @NAME@ as that constant of b2p.machine.ports or the engine's."""
    words = _words(engine)
    return _WORD.sub(lambda match: words[match[1].decode()], text)


def _words(engine: Engine) -> Mapping[str, bytes]:
    return _CONSTANTS | {name: word.encode() for name, word in engine.words.items()}


def files_below(root: Path, engine: Engine = engines.PODMAN) -> list[tuple[str, bytes, int]]:
    """(path from root, filled content, mode) of each file, sorted; scripts are executable."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = filled(path.read_bytes(), engine)
            mode = 0o755 if content.startswith(b"#!") else 0o644
            found.append((path.relative_to(root).as_posix(), content, mode))
    return found


def files_of(root: Path, folder: str, engine: Engine) -> list[tuple[str, bytes, int]]:
    """As files_below, of that folder of the firmware at `root`, as an image with the engine has it.

    What the engine has of its own wins over what every image has.
    """
    found = [one for one in files_below(root / folder, engine) if engine.has_file(one[0])]
    if engine.folder:
        own = files_below(root / engine.folder / folder, engine)
        names = {name for name, _, _ in own}
        found = sorted([*(one for one in found if one[0] not in names), *own])
    return found


def digest(root: Path, engine: Engine = engines.PODMAN) -> str:
    """One digest of all firmware that goes into an image."""
    state = hashlib.sha256()
    for folder in ("initrd", "build", "guest"):
        for name, content, mode in files_of(root, folder, engine):
            state.update(f"{folder}/{name} {mode:o} {len(content)}\n".encode())
            state.update(content)
    return state.hexdigest()
