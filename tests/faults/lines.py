"""The 32 ways in which launchers like this one break a day; each has tests of its number."""

from __future__ import annotations

import re

LINES = {
    1: "each stage of up has a deadline, and tells its stage, last lines and a hint",
    2: "running is never stored: a stale pid blocks nothing",
    3: "Ctrl-C or SIGTERM in the middle of a first start leaves nothing",
    4: "a QEMU whose directory was deleted is found and can be ended",
    5: "down is done when the process is gone; bounded, idempotent",
    6: "a pid that came round again is never signalled",
    7: "locks are the kernel's; the loser is told who holds one",
    8: "the machine outlives its terminal",
    9: "a guest's own poweroff is seen as stopped",
    10: "QEMU upgraded, moved or removed between runs",
    11: "a truncated or tampered download never enters the cache",
    12: "a full disk of the host: a clear error, nothing lost",
    13: "a full disk of the guest: it is told, and goes on",
    14: "growing a disk grows the file system in it",
    15: "SIGKILL of QEMU during writes of a database: what was committed is there",
    16: "rm leaves nothing",
    17: "loopback only",
    18: "two machines never fight for a port; a busy one names its holder",
    19: "localhost that is ::1 first: clients still connect",
    20: "name resolution in the guest follows the host",
    21: "a proxy on localhost reaches the guest, NO_PROXY is kept",
    22: "registry mirrors are given once",
    23: "an agent or a strange ssh_config changes nothing",
    24: "the host key is known before the first connection",
    25: "the user's default docker context is not taken over",
    26: "client records are updated together or not at all",
    27: "homes with spaces, commas, umlauts; of 90 characters",
    28: "any LC_ALL, no TTY, NO_COLOR, dumb terminals, output closed early",
    29: "guest time is right after the computer slept",
    30: "umask 077 and 000, HOME unset, read-only config",
    31: "as root, without /dev/kvm, in CI",
    32: "two users of one computer; two versions of b2p",
}


def number_of(nodeid: str) -> int:
    """The line that a test is about; 0 where it is about none."""
    found = re.search(r"tests/faults/.*::test_(\d\d)_", nodeid)
    return int(found[1]) if found else 0
