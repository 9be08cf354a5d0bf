"""What hatchling does as it builds a wheel: the parser writes the manual page and completions."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHARED = {
    ("man",): "share/man/man1/b2p.1",
    ("completion", "bash"): "share/bash-completion/completions/b2p",
    ("completion", "zsh"): "share/zsh/site-functions/_b2p",
    ("completion", "fish"): "share/fish/vendor_completions.d/b2p.fish",
}
"""The words of b2p that print a file, and where systems look for it below a prefix."""


class SharedData(BuildHookInterface):  # type: ignore[misc] # hatchling is there while it builds only
    """Named by pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files aside, and have them in the wheel."""
        if version == "editable":
            return
        self._aside = tempfile.TemporaryDirectory(prefix="b2p-wheel-")
        for number, (words, place) in enumerate(SHARED.items()):
            path = Path(self._aside.name) / f"{number}"
            path.write_bytes(self._said(words))
            build_data["shared_data"][str(path)] = place

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        """Nothing stays."""
        if hasattr(self, "_aside"):
            self._aside.cleanup()

    def _said(self, words: tuple[str, ...]) -> bytes:
        """What the tree's own b2p prints, whatever the builder's environment says."""
        code = "import sys; from b2p.cli.main import main; main(sys.argv[1:])"
        ours = {"PYTHONPATH": self.root, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("B2P_", "_B2P"))
        }
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            env={**environment, **ours},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
