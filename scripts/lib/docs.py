"""Builds the documentation: docs/ and the pages made from the code, aside, then zensical over both.

docs.py TREE INTO. A dead link is an error, which shows where it stands.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.lib import docs_pages

BESIDE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "b2p")
"""What pages take parts of."""


def prepare(tree: Path, aside: Path) -> None:
    """All that the generator reads."""
    shutil.copytree(tree / "docs", aside / "docs")
    # A copy: the generator takes the directory where it really lies for its own.
    shutil.copy(tree / "mkdocs.yml", aside)
    for name in BESIDE:
        (aside / name).symlink_to(tree / name)
    for path, text in docs_pages.pages().items():
        page = aside / "docs" / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")


def main(tree: Path, into: Path) -> int:
    """The generator's exit status; the site replaces what was there before."""
    with tempfile.TemporaryDirectory(prefix="b2p-docs-") as folder:
        aside = Path(folder)
        prepare(tree, aside)
        command = [sys.executable, "-m", "zensical", "build", "--strict"]
        status = subprocess.run(command, cwd=aside, check=False).returncode
        if status == 0:
            shutil.rmtree(into, ignore_errors=True)
            shutil.copytree(aside / "site", into)
    return status


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
