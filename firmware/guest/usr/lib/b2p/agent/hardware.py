"""Drivers of hardware that nobody told of, by the kernel's own names for it; the power button."""

import glob
import os
import struct

import power

BUSES = "/sys/bus"
MASKS = "/etc/systemd/system"
ROUNDS = 6
"""A bus's driver shows new devices, whose drivers show new ones."""
USB_SECONDS = 1.0
"""How long what hangs on USB takes to show itself."""
BUTTONS = "/sys/class/input/event*/device/name"
EVENT = struct.Struct("llHHi")
EVENTS = EVENT.size * 16
KEY, POWER = 1, 116


def load() -> None:
    """Load a driver for all that is there."""
    known: set[str] = set()
    for number in range(ROUNDS):
        new = aliases() - known
        if new:
            _modprobe(*sorted(new))
        elif number and not os.path.isdir(f"{BUSES}/usb/devices/usb1"):
            return
        else:
            power.pause(USB_SECONDS / 2)
        known |= new


def aliases() -> "set[str]":
    """What the kernel calls each device that it sees."""
    found = set()
    for path in glob.glob(f"{BUSES}/*/devices/*/modalias"):
        try:
            with open(path) as file:
                found.add(file.read().strip())
        except OSError:
            continue
    return found - {""}


def watch() -> None:
    """Have udev find what is plugged in from now on; before, nobody needed it."""
    for mask in glob.glob(f"{MASKS}/systemd-udev*"):
        os.unlink(mask)
    power.run("/usr/bin/systemctl", "daemon-reload")
    power.run(
        "/usr/bin/systemctl", "start", "--no-block",
        "systemd-udevd.service", "systemd-udev-trigger.service",
    )  # fmt: skip


def buttons() -> "list[int]":
    """The power buttons, open for reading."""
    _modprobe("button", "evdev")
    found = []
    for path in sorted(glob.glob(BUTTONS)):
        with open(path) as name:
            if "power button" in name.read().lower():
                event = path.split("/")[-3]
                found.append(os.open(f"/dev/input/{event}", os.O_RDONLY | os.O_NONBLOCK))
    return found


def pressed(events: bytes) -> bool:
    """Whether the power button went down, in what such a device says (input.h: input_event)."""
    whole = len(events) - len(events) % EVENT.size
    return any(
        (kind, code, value) == (KEY, POWER, 1)
        for _, _, kind, code, value in EVENT.iter_unpack(events[:whole])
    )


def _modprobe(*names: str) -> None:
    try:  # noqa: SIM105 - contextlib takes its time to load
        power.run("/usr/sbin/modprobe", "-qab", *names)
    except OSError:
        # Its status tells of the many devices for which there is no driver.
        pass
