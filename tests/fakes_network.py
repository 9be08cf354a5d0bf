"""A user network that takes any port but those that somebody has."""

from __future__ import annotations

from b2p.control.errors import RefusedError
from b2p.control.usernet import Forward
from b2p.machine import forwards


class Network:
    """QEMU's monitor, as far as ports go."""

    def __init__(self, *rules: str, taken: tuple[int, ...] = ()) -> None:
        self.rules = {rule.end: rule for text in rules for rule in forwards.parsed(text)}
        self.taken = taken

    def forwards(self) -> tuple[Forward, ...]:
        """What is forwarded; a unix socket is among it, as QEMU shows it."""
        found = [
            Forward(
                rule.protocol,
                "*" if rule.address == "0.0.0.0" else rule.address,
                rule.host_port,
                "10.0.2.15",
                rule.guest_port,
            )
            for rule in self.rules.values()
        ]
        return (Forward("tcp", "109.112.47.104", 12148, "10.0.2.15", 2375), *found)

    def add_forward(self, netdev: str, rule: str) -> None:
        """One more."""
        assert netdev == "net0"
        protocol, address, ends = rule.split(":", 2)
        host, guest = ends.split("-:")
        end = f"{protocol}:{address}:{host}"
        if int(host) in self.taken or end in self.rules:
            raise RefusedError(f"qemu cannot forward {rule!r}")
        self.rules[end] = forwards.Rule(protocol, address, int(host), int(guest))

    def remove_forward(self, netdev: str, rule: str) -> None:
        """One less."""
        assert netdev == "net0"
        if self.rules.pop(rule, None) is None:
            raise RefusedError(f"qemu cannot end the forward {rule!r}")

    def told(self) -> list[str]:
        """What is forwarded, as people write it."""
        return sorted(map(str, self.rules.values()))
