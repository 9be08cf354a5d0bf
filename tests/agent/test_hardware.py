"""Hardware that nobody told of: drivers by alias, the power button, partitions that grow."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


@pytest.fixture
def buses(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A /sys/bus, and modprobe's words as they come."""
    loaded: list[tuple[str, ...]] = []
    monkeypatch.setattr(agent.hardware, "BUSES", str(tmp_path))
    monkeypatch.setattr(agent.hardware, "_modprobe", lambda *names: loaded.append(names))
    monkeypatch.setattr(agent.power, "pause", lambda _seconds: None)

    def device(bus: str, name: str, alias: str) -> None:
        place = tmp_path / bus / "devices" / name
        place.mkdir(parents=True)
        (place / "modalias").write_text(f"{alias}\n")

    device.loaded = loaded  # type: ignore[attr-defined]  # what the tests look at
    return device


def test_a_driver_is_loaded_for_all_that_is_there(agent: Any, buses: Any) -> None:
    buses("pci", "0000:00:02.0", "pci:v00008086")
    buses("virtio", "virtio0", "virtio:d1")
    agent.hardware.load()
    assert buses.loaded == [("pci:v00008086", "virtio:d1")]


def test_what_a_new_bus_shows_gets_its_drivers_too(
    agent: Any, buses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    buses("pci", "0000:00:14.0", "pci:xhci")

    def modprobe(*names: str) -> None:
        buses.loaded.append(names)
        if names == ("pci:xhci",):
            buses("usb", "usb1", "usb:hub")
        elif names == ("usb:hub",):
            buses("usb", "1-1", "usb:keyboard")

    monkeypatch.setattr(agent.hardware, "_modprobe", modprobe)
    agent.hardware.load()
    assert buses.loaded == [("pci:xhci",), ("usb:hub",), ("usb:keyboard",)]


def test_the_button_is_heard_when_it_goes_down(agent: Any) -> None:
    def event(kind: int, code: int, value: int) -> bytes:
        return struct.pack("llHHi", 1, 2, kind, code, value)

    down, up, sync = event(1, 116, 1), event(1, 116, 0), event(0, 0, 0)
    assert agent.hardware.pressed(down + sync)
    assert not agent.hardware.pressed(up + sync)
    assert not agent.hardware.pressed(event(1, 28, 1))
    assert not agent.hardware.pressed(down[:-1])


def table(*entries: tuple[int, int, int]) -> bytes:
    """A first sector with these partitions: kind, start, sectors."""
    packed = b"".join(struct.pack("<B3sB3sII", 0, b"", kind, b"", at, n) for kind, at, n in entries)
    return (bytes(446) + packed).ljust(510, b"\0") + b"\x55\xaa"


def test_the_last_partition_reaches_to_the_end_of_a_grown_disk(agent: Any) -> None:
    first = table((0xEF, 128, 6000), (0x83, 20480, 100000))
    sectors = 10 * GIB // 512
    wanted = agent.partition.grown(first, 2, sectors)
    assert wanted == table((0xEF, 128, 6000), (0x83, 20480, sectors - 20480))
    assert agent.partition.grown(wanted, 2, sectors) == wanted


@pytest.mark.parametrize(
    ("first", "number", "why"),
    [
        (table((0x83, 2048, 1000), (0x83, 900000, 1000)), 1, "another one lies behind"),
        (bytes(512), 1, "no table"),
        (table((0x83, 2048, 10 * GIB // 512 - 2048)), 1, "it is as large as it can be"),
        (table((0x83, 2048, 1000)), 5, "no such entry"),
    ],
)
def test_else_the_table_stays(agent: Any, first: bytes, number: int, why: str) -> None:
    assert agent.partition.grown(first, number, 10 * GIB // 512) == first, why


def test_a_table_of_that_kind_ends_at_two_tebibytes(agent: Any) -> None:
    grown = agent.partition.grown(table((0x83, 2048, 1000)), 1, 1 << 33)
    assert struct.unpack_from("<I", grown, 446 + 12)[0] == (1 << 32) - 1 - 2048
