"""Screenshots, as a QEMU that only pretends takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from b2p.control import screenshot
from b2p.control.errors import RefusedError
from b2p.control.monitor import Monitor
from tests.fakes import QmpServer

if TYPE_CHECKING:
    from pathlib import Path


def taken(short: Path, reply: Any) -> tuple[Path, list[Any]]:
    with QmpServer(short / "qmp", {"screendump": reply}) as qemu:
        with Monitor(short / "qmp") as monitor:
            path = screenshot.take(monitor, short / "screen.png")
        return path, [one["arguments"] for one in qemu.heard if one["execute"] == "screendump"]


def test_a_picture_is_asked_for_as_png(short: Path) -> None:
    path, asked = taken(short, {})
    assert path == short / "screen.png"
    assert asked == [{"filename": str(path), "format": "png"}]


def test_a_machine_without_a_screen_is_told(short: Path) -> None:
    with pytest.raises(RefusedError, match="no console"):
        taken(short, LookupError("There is no console to take a screendump from"))
