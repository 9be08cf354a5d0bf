"""Which of Debian's suites everything comes from: one list, so that one reading serves all."""

from __future__ import annotations

from b2p.debian.archive import Suite

BACKPORTS = Suite("trixie-backports", preferred=("qemu-system",))
"""QEMU 11, which can forward to unix sockets; of nothing else is this suite's version taken."""

TRIXIE = (
    Suite("trixie"),
    Suite("trixie-updates"),
    Suite("trixie-security", security=True),
    BACKPORTS,
)
"""Debian 13 as it is now: what images and QEMU are made of."""
