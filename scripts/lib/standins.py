"""Makes the stand-ins of tests/standins by hand and prints their paths.

standins.py TREE [NAME...]
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    *("cloud", "ignition", "ubuntu", "fedora", "generic", "flatcar"),
    *("tinycore", "boot2docker", "minikube", "live", "foreign"),
)


def main(words: list[str]) -> int:
    """Make what is named, else all."""
    tree, *names = words
    sys.path.insert(0, tree)
    from b2p import terminal
    from b2p.errors import B2PError
    from tests.boot.person import cache_home
    from tests.standins import disks, foreign, isos
    from tests.standins.workshop import Workshop

    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"no stand-in is named {', '.join(sorted(unknown))}: {' '.join(NAMES)}")
        return 2
    workshop = Workshop(cache_home() / "b2p", terminal.report(quiet=False))
    try:
        for name in names or NAMES:
            found: list[Path]
            if f"{name}.raw" in disks.SIZES:
                found = [disks.disks(workshop).variant(name)]
            elif name in isos.STYLES:
                found = [isos.iso(workshop, isos.STYLES[name])]
            else:
                found = sorted(foreign.foreign(workshop).home.iterdir())
            for path in found:
                print(f"{name}\t{path}")
    except B2PError as error:
        terminal.error(error.message, error.hint, error.details)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
