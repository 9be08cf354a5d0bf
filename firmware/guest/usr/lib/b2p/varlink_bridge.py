"""Carries bytes between standard input and output and the varlink gateway, until either ends."""

from __future__ import annotations

import os
import select
import socket
import sys

GATEWAY = "/run/podman/io.podman"
CHUNK = 1 << 18
IN, OUT = 0, 1


def carry(service: socket.socket) -> None:
    """The caller's end is passed on; the service's end is the end."""
    poll = select.poll()
    poll.register(IN, select.POLLIN)
    poll.register(service, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == IN:
                if data := os.read(IN, CHUNK):
                    service.sendall(data)
                else:
                    poll.unregister(IN)
                    service.shutdown(socket.SHUT_WR)
            elif not write(service.recv(CHUNK)):
                return


def write(data: bytes) -> bool:
    """All of it; False when there was nothing to write."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(OUT, rest) :]
    return bool(data)


def main() -> int:
    """The exit status: 0 at the end of either side, 1 when nobody serves."""
    with socket.socket(socket.AF_UNIX) as service:
        try:
            service.connect(GATEWAY)
            carry(service)
        except (BrokenPipeError, ConnectionResetError):
            return 0  # somebody left in mid-sentence
        except OSError as error:
            print(f"no varlink at {GATEWAY}: {error.strerror}", file=sys.stderr)
            return 1
    return 0


raise SystemExit(main())
