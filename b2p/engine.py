"""Whether a machine's engine answers, whatever it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record


def speaks_rest(record: Record) -> bool:
    """Whether it has podman's or docker's API; engines of 2018 have varlink only."""
    if not record.family:
        return True
    from b2p import families

    return any(engine.api != "varlink" for engine in families.by_name(record.family).engines)


def speaks_podman(record: Record) -> bool:
    """Whether it has podman's own API besides docker's."""
    if not record.family:
        return True
    from b2p import families

    return any(engine.api == "podman" for engine in families.by_name(record.family).engines)


def answers(record: Record, files: MachineFiles, timeout: float) -> bool:
    """Ask it, for at most so many seconds."""
    if speaks_rest(record):
        from b2p.client import api

        return bool(api.await_ping(files.podman, timeout=timeout))
    if record.varlink == "off":
        return True  # it has nothing that the host could ask
    from b2p.client import ssh, varlink

    is_tcp = record.varlink == "tcp"
    return varlink.answers((ssh.ADDRESS, record.varlink_port) if is_tcp else files.varlink, timeout)
