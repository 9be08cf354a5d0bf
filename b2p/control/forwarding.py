"""Ports of the user network by QEMU's human monitor: what both kinds of monitor can do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod

from b2p.control import usernet
from b2p.control.errors import RefusedError


class Forwarding(ABC):
    """Needs `hmp` alone; raises as it does."""

    @abstractmethod
    def hmp(self, line: str) -> str:
        """What the human monitor says to a line; failures too come as mere text."""

    def forwards(self) -> tuple[usernet.Forward, ...]:
        """The ports that the user network forwards now."""
        return usernet.forwards(self.hmp("info usernet"))

    def add_forward(self, netdev: str, rule: str) -> None:
        """Forward one more, such as tcp:127.0.0.1:8080-:80; RefusedError when it is taken."""
        if failure := usernet.add_failure(self.hmp(f"hostfwd_add {netdev} {rule}")):
            raise RefusedError(f"qemu cannot forward {rule!r}: {failure}")

    def remove_forward(self, netdev: str, rule: str) -> None:
        """End a forward, such as tcp:127.0.0.1:8080; RefusedError when there is none."""
        if failure := usernet.remove_failure(self.hmp(f"hostfwd_remove {netdev} {rule}")):
            raise RefusedError(f"qemu cannot end the forward {rule!r}: {failure}")
