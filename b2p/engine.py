"""Whether a machine's engine answers, whatever it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2p.machine import engines

if TYPE_CHECKING:
    from b2p.machine.engines import Engine
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record


def speaks_rest(record: Record) -> bool:
    """Whether it has podman's or docker's API; engines of 2018 have varlink only."""
    return bool({"podman", "docker"} & apis(record))


def speaks_podman(record: Record) -> bool:
    """Whether it has podman's own API besides docker's."""
    return "podman" in apis(record)


def apis(record: Record) -> frozenset[str]:
    """What its engines answer to: podman, docker, varlink."""
    if not record.family:
        return of(record).apis
    from b2p import families

    return frozenset(engine.api for engine in families.by_name(record.family).engines)


def of(record: Record) -> Engine:
    """The engine of a machine of b2p's own image; of a family's it is as if it were podman."""
    return engines.by_name(record.engine)


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
