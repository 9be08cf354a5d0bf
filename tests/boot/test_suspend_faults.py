"""b2p or QEMU is killed in the middle of a suspend or a resume: `up` works, and data is there."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.faults

SECONDS = {
    "suspend": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
    "up": (0.2, 0.3, 0.45, 0.6, 0.8, 1.0),
}
"""When the kill comes: together they fall on every part of the way on computers of any speed."""


@pytest.mark.parametrize("victim", ["b2p", "qemu"])
@pytest.mark.parametrize(
    ("verb", "seconds"), [(verb, at) for verb, times in SECONDS.items() for at in times]
)
def test_what_was_written_is_there_after_the_next_up(
    machine: Person, victim: str, verb: str, seconds: float
) -> None:
    mark = f"{victim} {verb} {seconds}"
    machine.inside(f"echo {mark} > /root/mark; sync")
    if verb == "up":
        machine.b2p("suspend")
    process = machine.begin(verb)
    time.sleep(seconds)
    if victim == "b2p":
        process.kill()
    elif qemu := machine.qemu():
        with contextlib.suppress(psutil.Error):
            qemu.kill()
    _, words = process.communicate(timeout=300)
    assert "Traceback" not in words
    machine.b2p("up")
    assert machine.inside("cat /root/mark") == f"{mark}\n"
    assert machine.inside("touch /root/writable && echo yes") == "yes\n"
    assert len(machine.qemus()) == 1
