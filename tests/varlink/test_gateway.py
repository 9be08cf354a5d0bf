"""The gateway that runs in a guest: its table of methods."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from b2p import firmware
from tests.varlink.conftest import FOLDER

METHODS_OF_1_9_3 = 97


def described() -> set[str]:
    text = (firmware.directory() / FOLDER / "varlink_gateway/io.podman.varlink").read_text()
    return set(re.findall(r"^method (\w+)", text, re.MULTILINE))


def test_all_methods_of_the_last_interface_are_described(gateway: Any) -> None:
    assert len(described()) == METHODS_OF_1_9_3
    assert set(gateway("table").METHODS) == described()


def test_each_method_has_a_function_in_its_room(gateway: Any) -> None:
    for name, method in gateway("table").METHODS.items():
        room = gateway(f"rooms.{method.room}")
        assert callable(getattr(room, method.function, None)), name


def test_each_method_is_tried_in_the_tests_of_the_rooms(gateway: Any) -> None:
    folder = Path(__file__).parent / "rooms"
    told = "".join(path.read_text() for path in folder.glob("test_*.py"))
    assert [name for name in gateway("table").METHODS if f'"{name}"' not in told] == []
