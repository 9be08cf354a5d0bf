"""What the user of this process has said, and where their files lie: environment, files, given.

The command line and the Python API begin here, so that both obey the same words.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from b2p import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.settings import Layer, Settings
    from b2p.store.layout import Layout


def layout() -> Layout:
    """Where the user's files lie; what a killed b2p left of throwaway machines is swept up."""
    from b2p.host import computer
    from b2p.store import places

    found = places.layout(os.environ, on_network=computer.is_network_filesystem)
    _sweep(found)
    return found


def layers(
    machine: str, given: Mapping[str, object], found: Layout, *, origin: str = ""
) -> list[Layer]:
    """All that is said about that machine, and by whom; keys given as None are not given.

    `origin` names whoever gave them, for errors; empty: the command line.
    """
    from b2p import settings

    return settings.layers(
        machine,
        {key: value for key, value in given.items() if value is not None},
        user_file=found.settings,
        directory=Path.cwd(),
        home=home(),
        environment=os.environ,
        origin=origin or settings.COMMAND_LINE,
    )


def merged(
    machine: str, given: Mapping[str, object], found: Layout, *, origin: str = ""
) -> Settings:
    """The layers made one."""
    from b2p import mounts, settings
    from b2p.host import computer

    said = layers(machine, given, found, origin=origin)
    return mounts.whole(
        settings.merged(said, cores=computer.cores()), home(), os.environ, sys.platform
    )


def machine(found: Layout) -> tuple[str, str]:
    """The machine that is meant where none is named, and who says so."""
    if name := os.environ.get("B2P_MACHINE"):
        return name, "B2P_MACHINE"
    from b2p import project

    name, origin = project.named(project.files(found.settings, Path.cwd(), home()))
    return (name, origin) if name else (names.DEFAULT, "")


def home() -> Path:
    """The user's home directory."""
    return Path(os.environ.get("HOME", "/"))


def _sweep(found: Layout) -> None:
    """Remove what a killed b2p left, if there is anything."""
    try:
        is_clean = not os.listdir(found.throwaway().machines)  # noqa: PTH208 - one look, no import
    except OSError:
        return
    if not is_clean:
        from b2p.sweep import sweep

        sweep(found)
