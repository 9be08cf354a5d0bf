"""The guest's end of the control port: takes the identity, mounts the data, opens the gate.

It lies on the boot path under emulation, so it imports little: C modules where the standard
library's own wrappers would load enum and friends.
"""

import _socket
import os
import time

import addresses
import comfort
import disk
import engine
import gate
import identity
import idleness
import kinds
import peers
import power
import publish
import resumed
import shares
from clock import Clock
from port import Port

FROZEN_SECONDS = 10.0
"""A disk that was frozen for saving the machine's state thaws by itself after so long: whoever
wanted to save it may have been killed."""

SURROUNDINGS = {"proxies", "certificates", "registries"}
"""What a request may hold of the host's network; without any of it no code for it is read."""


class BusyError(Exception):
    """Somebody needs the machine, which was to be suspended as an idle one."""


def refuse_needed(request: dict) -> None:
    """Raise BusyError where only a machine that nobody needs is meant, and this is none."""
    if request.get("if_idle") and (needed := idleness.needed()):
        raise BusyError(needed)


def notify_systemd(message: str) -> None:
    """Tell systemd (sd_notify's datagram) without importing socket."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with_abstract = "\0" + address[1:] if address.startswith("@") else address
    channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    channel.sendto(message.encode(), with_abstract)
    channel.close()


def takes_surroundings(request: dict) -> bool:
    """Whether the host's network has changed for the programs that run."""
    if not SURROUNDINGS & request.keys():
        return False
    import surroundings

    return surroundings.apply(request)


def number_core(request: dict) -> None:
    """Give the user core the number of the host's person; it can be done without."""
    if not request.get("core"):
        return
    import core

    try:
        core.be(int(request["core"]))
    except (OSError, KeyError, ValueError) as problem:
        print(f"core keeps its number: {problem}", flush=True)


def bound_host(request: dict) -> None:
    """Keep everybody in here from the host's loopback, where the host wishes that."""
    if "host_closed" in request:
        import boundary

        boundary.be(closed=bool(request["host_closed"]))


class Agent:
    """What is known and done so far; one request of the host at a time."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.engine = engine.Engine()
        self.gate = gate.Gate()
        self.publisher = publish.Publisher()
        self.idleness = idleness.Idleness()
        self.shares = shares.Shares()
        self.stage = "waiting for the machine's identity"
        self.is_ready = False
        self.is_settled = False
        self.is_frozen = False
        self.thaw_at: float | None = None
        self.number = 0
        """In the network of machines."""
        self.frozen_with: list[int] = []
        """The connections with the host when the disk was frozen: dead once it was resumed."""

    def enter(self, stage: str) -> None:
        """Begin a stage of the way to ready, and say so."""
        self.stage = stage
        self.port.send({"event": "stage", "stage": stage})

    def bring_up(self, request: dict) -> None:
        """Everything between the identity and the gate."""
        self.enter("taking its identity")
        identity.apply(request)
        bound_host(request)
        takes_surroundings(request)
        self.enter("mounting the data disk")
        disk.bring(self.enter)
        number_core(request)
        full = disk.fullness()
        # Said beforehand, as an engine that cannot write may never start.
        self.enter(f"starting the engine{f'; {full}' if full else ''}")
        self.gate.open()
        notify_systemd("READY=1")
        # While the engine starts: nobody waits for it.
        problems = [*filter(None, [full]), *self.mount(request), *self.join(request)]
        while not self.engine.listens():
            power.pause(0.02)
        self.is_ready = True
        self.tell_ready(problems)
        self.serve_names()
        self.watch_ports(request)
        identity.wake_containers()
        self.settle(request)
        self.watch_idleness(request)

    def watch_ports(self, request: dict) -> None:
        """Have containers' ports published by the host, where it takes calls."""
        if not request.get("token"):
            return
        try:
            self.publisher.begin(str(request["token"]))
        except OSError as problem:
            print(f"ports: {problem}", flush=True)

    def watch_idleness(self, request: dict) -> None:
        """Ask to be suspended when nobody needs the machine, if the host wishes that."""
        if "idle_suspend" in request:
            self.idleness.begin(float(request["idle_suspend"]), self.publisher.token)

    def take_identity(self, request: dict) -> None:
        """First time: come up. Later: the machine was resumed, or the host wants to be sure."""
        if self.is_ready:
            self.thaw_disk()
            identity.apply(request)
            bound_host(request)
            number_core(request)
            problems = self.renew_engines() if takes_surroundings(request) else []
            self.tell_ready([*problems, *self.mount(request), *self.join(request)])
            self.serve_names()
            self.watch_ports(request)
            if "entropy" in request:
                resumed.sever(self.frozen_with)
            self.settle(request)
            self.watch_idleness(request)
            return
        try:
            self.bring_up(request)
        except Exception as problem:
            # Told at once, whatever it is: the host would wait for its deadline.
            self.port.send({"event": "failed", "stage": self.stage, "message": str(problem)})
            raise

    def renew_engines(self) -> list[str]:
        """Have the engines take what has changed around them; what they do not take."""
        self.engine.wake()
        if kinds.HERE.freezes or not power.owners_of_containers():
            power.run("/usr/bin/systemctl", "try-restart", *kinds.HERE.services)
            return []
        # Its containers would end with it.
        power.run("/usr/bin/systemctl", "reload", *kinds.HERE.services)
        return ["docker takes new proxies and certificates once it is started anew: b2p down"]

    def settle(self, request: dict) -> None:
        """Give free memory back, once, unless the memory is others' too (see docs/golden.md)."""
        if request.get("throwaway"):
            shares.prepare()
        elif not self.is_settled:
            self.is_settled = True
            power.settle()

    def mount(self, request: dict) -> list[str]:
        """Mount the host's directories; what did not work."""
        if "mounts" in request:
            if request["mounts"] != self.shares.wished:
                self.shares.leave()
            self.shares.wished = request["mounts"]
        return self.shares.bring()

    def join(self, request: dict) -> list[str]:
        """Have the links to the other machines up; what did not work."""
        number = request.get("network", {}).get("number", 0)
        if number in (0, self.number):
            return []
        try:
            peers.join(number)
        except OSError as problem:
            return [f"no way to other machines: {problem}"]
        self.number = number
        return []

    def serve_names(self) -> None:
        """Nobody waits for it; where it cannot be, /etc/hosts is what there is."""
        if not self.number:
            return
        try:
            peers.serve_names()
        except OSError as problem:
            print(f"names: {problem}", flush=True)

    def know(self, request: dict) -> None:
        """Call the other machines what they are called now."""
        peers.write_hosts(peers.own_name(), request["network"])

    def tell_ready(self, problems: list[str]) -> None:
        """Say that the engine is there, and what is not."""
        network = {"network": self.number} if self.number else {}
        told = {"problems": problems} if problems else {}
        self.port.send({"event": "ready", **network, **told})

    def unmount(self, request: dict) -> list[str]:
        """Take the host's directories away for a while; where that cannot be: who uses them."""
        refuse_needed(request)
        try:
            self.shares.leave()
        except shares.HeldError as error:
            return error.holders
        self.thaw_at = time.monotonic() + FROZEN_SECONDS
        return []

    def freeze(self, request: dict) -> None:
        """Have all data on the disk, and nothing more written, for a while."""
        refuse_needed(request)
        if not self.is_frozen:
            disk.freeze()
            self.is_frozen = True
        self.frozen_with = resumed.connections()
        self.thaw_at = time.monotonic() + FROZEN_SECONDS

    def thaw(self) -> None:
        """Go on as before what was done for saving the machine's state."""
        if self.thaw_at is not None:
            self.thaw_disk()
            self.shares.bring()

    def thaw_disk(self) -> None:
        """Go on writing, if that was stopped."""
        self.thaw_at = None
        if self.is_frozen:
            self.is_frozen = False
            disk.thaw()

    def tend(self) -> float | None:
        """Do what is due by the clock; seconds until the next look, None for no need."""
        pauses = []
        if self.is_ready:
            pauses += [self.engine.tend(), self.publisher.tend()]
            pauses.append(self.idleness.tend(engine_sleeps=self.engine.asleep))
        if self.thaw_at is not None:
            left = self.thaw_at - time.monotonic()
            if left <= 0:
                self.thaw()
            else:
                pauses.append(left)
        return min((one for one in pauses if one is not None), default=None)

    def handle(self, request: dict) -> dict:  # noqa: C901 - a line for each word there is
        """Do what a well-formed request asks for; returns what is added to the answer."""
        verb = request.get("do")
        if verb == "identity":
            self.take_identity(request)
        elif verb == "warm":
            engine.warm()
            shares.prepare()
            self.gate.await_engine()
        elif verb == "poweroff":
            self.engine.wake()
            power.off()
        elif verb == "console":
            power.start_unit("b2p-console.service")
        elif verb == "unmount":
            return {"held": self.unmount(request)}
        elif verb == "freeze":
            self.freeze(request)
        elif verb == "network":
            self.know(request)
        elif verb == "thaw":
            self.thaw()
        elif verb == "ports":
            return {"ports": self.publisher.ports()}
        elif verb != "status":
            raise ValueError(f"{verb!r} is not something this machine does")
        return {"ready": self.is_ready, "stage": self.stage}

    def answer(self, request: dict) -> None:
        """Handle a request and tell how it went; a request never ends the agent."""
        try:
            reply = {"id": request.get("id"), "ok": True, **self.handle(request)}
        except Exception as problem:  # noqa: BLE001 - the agent outlives whatever one request does
            reply = {"id": request.get("id"), "ok": False, "error": f"{problem}"}
        self.port.send(reply)


def main() -> None:
    """Serve the control port for as long as the machine runs."""
    port = Port.find(addresses.CONTROL_PORT_NAME)
    if port is None:
        # Booted by something else than b2p, or from an image that b2p exported.
        import alone

        alone.serve(lambda: notify_systemd("READY=1"))
        return
    agent = Agent(port)
    clock = Clock()
    comfort.raise_limits()
    port.send({"event": "stage", "stage": agent.stage})
    while True:
        for request in port.waiting():
            agent.answer(request)
        if agent.is_ready:
            clock.look()
        port.pause(agent.tend())


if __name__ == "__main__":
    main()
