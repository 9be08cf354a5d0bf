"""Containers' ports, told to the host as they come and go; those of loopback are led on."""

import time

import addresses
import call
import power
import rootless
import rules

# As typing has it, without the time that importing typing takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

NFT = "/usr/sbin/nft"
ROUTE_LOOPBACK = "/proc/sys/net/ipv4/conf/eth0/route_localnet"
GROUP = "system.slice/b2p-agent.service"
AGAIN_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses between tries where the host is busy; after the last the next change is waited for."""

# Host calls are the agent's alone: no container's (forwarded, or in the machine's own network), no
# other user's and no other service's. What the host sends to a port that a container has on
# loopback goes straight to the container; else nothing comes in there.
TABLE = f"""
table inet b2p
delete table inet b2p
table inet b2p {{
  chain calls {{
    type filter hook output priority filter
    ip daddr {addresses.CALLS_ADDRESS} socket cgroupv2 level 2 "{GROUP}" accept
    ip daddr {addresses.CALLS_ADDRESS} reject
  }}
  chain forwarded {{
    type filter hook forward priority filter
    ip daddr {addresses.CALLS_ADDRESS} reject
  }}
  chain loopback {{
    type nat hook prerouting priority dstnat - 10
  }}
}}
"""


class Publisher:
    """What of containers' ports the host knows, and what it is to know."""

    def __init__(self) -> None:
        self.token = ""
        self.told: set | None = None
        """What the host was told; None: nothing, and it may have something from before."""
        self._heard: _socket.socket | None = None
        self._scopes: rootless.Scopes | None = None
        self._led: set = set()
        self._due: float | None = None
        self._failures = 0
        self._call: call.Call | None = None
        self._told_then: set = set()
        """What the host knows once it has answered the call."""

    def begin(self, token: str) -> None:
        """The host has (again) been told nothing; from now on it will be."""
        self.token = token
        if self._heard is None:
            self._heard = rules.watch()
            power.run_with(TABLE, NFT, "-f", "-")
        self._scopes = rootless.of_core(self._scopes)
        self.told = None
        self._call = None
        self._failures = 0
        self._due = time.monotonic()

    def tend(self) -> "float | None":
        """Tell what is new; seconds until the next look, None for no need."""
        if self._heard is None:
            return None
        try:
            # Both are to be heard out.
            if rules.changed(self._heard) | self._scopes.changed():
                self._failures = 0
                self._due = time.monotonic()
            return self._advance()
        except (OSError, call.RefusedError) as error:
            print(f"ports: {error}", flush=True)
            return self._put_off(error)

    def ports(self) -> list:
        """All ports that containers have, as the host is told them."""
        return [_words(one) for one in sorted(_wanted(_translations()))]

    def _advance(self) -> "float | None":
        """As far as it goes without waiting: the answer of one call, then the next call."""
        while True:
            if self._call is not None:
                if self._call.answer() is None:
                    return self._call.left()
                self._call = None
                self.told = self._told_then
                self._failures = 0
                self._due = time.monotonic()
            if self._due is None:
                return None
            left = self._due - time.monotonic()
            if left > 0:
                return left
            self._due = None
            self._begin_next()

    def _put_off(self, error: Exception) -> "float | None":
        """Seconds until the next try, None where only a change makes another one worth while."""
        self._call = None
        is_hopeless = isinstance(error, call.RefusedError) and not error.again
        if is_hopeless or self._failures >= len(AGAIN_SECONDS):
            return None
        pause = AGAIN_SECONDS[self._failures]
        self._failures += 1
        self._due = time.monotonic() + pause
        return pause

    def _begin_next(self) -> None:
        """Begin to tell of one thing that the host does not know, if there is one."""
        found = _translations()
        self._lead(found)
        wanted = _wanted(found)
        told = self.told
        if told is None:
            self._begin("publish", wanted, wanted, everything=True)
        elif told - wanted:
            # First what goes: what comes may want its place.
            self._begin("unpublish", told - wanted, told & wanted)
        elif wanted - told:
            self._begin("publish", wanted - told, wanted)

    def _begin(self, verb: str, ports: set, then: set, *, everything: bool = False) -> None:
        words = [_words(one) for one in sorted(ports)]
        self._told_then = then
        self._call = call.Call(self.token, verb, ports=words, all=everything)

    def _lead(self, found: "list[rules.Translation]") -> None:
        """What the host sends to a port on loopback, to its container."""
        wanted = {
            (one.protocol, one.port, one.target, one.target_port)
            for one in found
            if _is_loopback(one)
        }
        if wanted == self._led:
            return
        if any(target.startswith("127.") for _, _, target, _ in wanted):
            with open(ROUTE_LOOPBACK, "w") as knob:
                knob.write("1")
        lines = ["flush chain inet b2p loopback"]
        lines += [
            f"add rule inet b2p loopback iifname eth0 ip saddr {addresses.GATEWAY} "
            f"ip daddr {addresses.GUEST} {protocol} dport {port} dnat ip to {target}:{target_port}"
            for protocol, port, target, target_port in sorted(wanted)
        ]
        power.run_with("\n".join(lines) + "\n", NFT, "-f", "-")
        self._led = wanted


def _translations() -> "list[rules.Translation]":
    """Root's first: what comes in is led to a container of root's before anybody listens."""
    return [*rules.translations(), *rootless.translations()]


def _is_loopback(one: "rules.Translation") -> bool:
    return one.address.startswith("127.")


def _wanted(found: "list[rules.Translation]") -> set:
    """(protocol, port, whether on loopback alone) of all that the host can reach."""
    wide = {(one.protocol, one.port) for one in found if one.address in ("", addresses.GUEST)}
    narrow = {(one.protocol, one.port) for one in found if _is_loopback(one)}
    return {(*key, False) for key in wide} | {(*key, True) for key in narrow - wide}


def _words(one: tuple) -> dict:
    protocol, port, loopback = one
    return {"protocol": protocol, "port": port, "loopback": loopback}
