"""A machine without a control port: who it is stands on its disks, or nowhere (docs/export.md).

Either b2p booted an exported image, in hardware and a network that it knows, or somebody else did,
on whatever computer: then the kernel's command line has the word for that.
"""

import os
import select
import signal

import addresses
import comfort
import consoles
import disk
import gate
import hardware
import identity
import known
import network
import partition
import power
import seed
import volumes

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = "/proc/cmdline"


def serve(ready: "Callable[[], None]") -> None:
    """Bring the machine up, say so by `ready`, and press no key but the power button's."""
    comfort.raise_limits()
    with open(WORDS) as line:
        standalone = addresses.STANDALONE in line.read().split()
    if standalone:
        hardware.load()
        network.begin()
    told = _told()
    keys = _bring_data(told.problems)
    _be(told, keys, standalone=standalone)
    gate.Gate().open()
    ready()
    identity.wake_containers()
    for line in seed.act(told):
        print(line, flush=True)
    consoles.begin(standalone=standalone, keyed=bool(told.keys or keys), problems=told.problems)
    power.settle()
    if standalone:
        hardware.watch()
    _wait_for_the_button()


def _told() -> "seed.Told":
    """What a NoCloud volume says; a volume that cannot be read is as good as none, and said so."""
    try:
        return seed.read()
    except Exception as problem:  # noqa: BLE001 - nothing in a seed keeps a machine from coming up
        return seed.Told(problems=[f"the seed is not read: {problem}"])


def _bring_data(problems: "list[str]") -> "list[str]":
    """Mount what lasts; the ssh keys that a format-me disk brought, now or once.

    A machine whose disk cannot be used is up without it, and says so.
    """
    fresh: list[str] = []
    try:
        data = volumes.data()
        if data is not None:
            fresh = volumes.keys(data) if data.is_new else []
            partition.grow(data.device)
            disk.bring(print, device=data.device, blank=data.is_new)
            return known.keys(fresh)
    except Exception as problem:  # noqa: BLE001 - nor does a disk, whatever it holds
        problems.append(f"nothing is kept: {problem}")
    disk.bring(print, device=None)
    return known.keys(fresh)


def _be(told: "seed.Told", keys: "list[str]", *, standalone: bool) -> None:
    """Take its identity: what was told, else what was kept, else what is made now."""
    request = {
        "name": told.name or known.NAME,
        "machine_id": known.machine_id(),
        "host_keys": told.host_keys or known.host_keys(),
        "timezone": told.timezone,
    }
    identity.apply(request, gateway=not standalone)
    seed.admit(told, keys)


def _wait_for_the_button() -> None:
    """For ever, or until somebody presses the power button, which nobody else hears."""
    buttons = hardware.buttons()
    while buttons:
        for button in select.select(buttons, [], [])[0]:
            if hardware.pressed(os.read(button, hardware.EVENTS)):
                power.off()
    signal.pause()
