"""A QEMU that only pretends: it listens where its options say, and plays a guest. Run as a program.

Its first word tells what goes wrong in it, several joined by "+": see FAULTS. What it is asked it
prints, one JSON a line, so that it ends in qemu.log.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.fakes import HANGS, ConsoleFeed, GuestFeed, Pinger, QmpServer, event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAULTS = {
    "dies": "ends before it listens anywhere, with words on stderr",
    "dies-listening": "ends when its monitor listens, as on a bad disk",
    "dies-later": "ends while the guest starts its engine",
    "terse": "nothing comes on the console",
    "panics": "the guest's kernel panics while it boots",
    "mute": "the guest never speaks on its control port",
    "hangs": "the guest hangs while it mounts its disk",
    "chatters": "the guest tells of one stage after the other, without end",
    "fails": "the guest says that it cannot use its disk",
    "refuses": "the guest answers its identity with an error",
    "deaf": "the engine never answers",
    "stays": "the guest agrees to power off and does not",
    "no-quit": "the monitor does not obey quit",
    "no-term": "SIGTERM is ignored",
    "no-forward": "no port can be forwarded",
    "full": "the disk below took nothing: paused until it is told to go on",
    "stays-full": "and then it stops again",
    "waits": "it waits for a state that nobody gives it: its b2p was killed",
    "no-freeze": "the guest cannot freeze its disk",
    "no-mount": "the guest cannot mount what it is told to",
    "held": "somebody in the guest uses a directory of the host",
    "no-save": "there is no room for the machine's state",
    "no-load": "the machine's state is not understood",
    "no-wake": "the guest says nothing once it is resumed",
}

NOW = {"seconds": 1, "microseconds": 0}
STATE_COMMANDS = (
    *("stop", "cont", "migrate", "migrate_cancel", "migrate-incoming"),
    *("migrate-set-capabilities", "migrate-set-parameters"),
)
RUN_STATES = {"stop": "paused", "cont": "running"}
STAGES = b"b2p: stage: starting the kernel\r\nb2p: stage: starting systemd\r\n"
PANIC = b"Kernel panic - not syncing: VFS: Unable to mount root fs\r\n"
STDERR = "pretend: could not open disk image data.raw: it is somebody else's"


def told(message: Mapping[str, object]) -> bytes:
    """A line of the control port."""
    return json.dumps(message).encode() + b"\n"


def stage(text: str) -> bytes:
    """The guest's word that a stage begins."""
    return told({"event": "stage", "stage": text})


def value(option: str, key: str) -> str:
    """What `key` is set to in an option such as "socket,id=a,path=b,,c"."""
    parts = [part.replace("\0", ",") for part in option.replace(",,", "\0").split(",")]
    return next(part.partition("=")[2] for part in parts if part.startswith(f"{key}="))


class Monitor(QmpServer):
    """QMP with a user network that really takes ports, and a quit that ends the program."""

    def __init__(self, path: Path, machine: FakeQemu) -> None:
        replies: dict[str, object] = {name: {} for name in STATE_COMMANDS}
        replies["query-chardev"] = [{"label": "console", "filename": "disconnected:unix"}]
        replies |= {"quit": HANGS} if "no-quit" in machine.faults else {}
        goes_on = [event("RESUME"), *([event("STOP")] if "stays-full" in machine.faults else [])]
        super().__init__(path, replies, uuid=machine.uuid, events={"cont": goes_on})
        self.machine = machine

    def _answer(self, peer: socket.socket, command: dict[str, Any]) -> bool:
        if command["execute"] == "human-monitor-command":
            said = self.machine.human(str(command["arguments"]["command-line"]))
            self.replies["human-monitor-command"] = said
        self._move_state(command["execute"], command.get("arguments", {}))
        goes_on = super()._answer(peer, command)
        if command["execute"] == "quit" and "no-quit" not in self.machine.faults:
            self.machine.over.set()
        return goes_on

    def _move_state(self, name: str, arguments: dict[str, Any]) -> None:
        """Stop, save, load and run on, as far as b2p asks for it."""
        if name != "cont" or "stays-full" not in self.machine.faults:
            self.machine.run_state = RUN_STATES.get(name, self.machine.run_state)
        self.replies["query-status"] = {"status": self.machine.run_state, "running": True}
        self.replies["query-migrate"] = {"error-desc": "No space left on device"}
        if name in STATE_COMMANDS:
            given = {"arguments": found} if (found := arguments.get("capabilities")) else {}
            print(json.dumps({"qmp": name, **given}), flush=True)
        if name == "migrate" and "no-save" not in self.machine.faults:
            Path(arguments["uri"].removeprefix("file:")).write_bytes(b"state")
            self.machine.run_state = "postmigrate"
        failed = {"migrate": "no-save", "migrate-incoming": "no-load"}.get(name)
        status = "failed" if failed in self.machine.faults else "completed"
        events = [{"event": "MIGRATION", "data": {"status": one}} for one in ("active", status)]
        if failed:
            self.events[name] = [{**one, "timestamp": NOW} for one in events]


class FakeQemu:
    """One run of it."""

    def __init__(self, faults: Sequence[str], words: Sequence[str]) -> None:
        self.faults = frozenset(faults)
        self.options = [pair for pair in pairwise(words) if pair[0].startswith("-")]
        self.uuid = self.option("-uuid")
        self.is_resumed = ("-incoming", "defer") in self.options
        self.over = threading.Event()
        self.listeners: dict[int, socket.socket] = {}
        self.status = 0
        paused = "io-error" if "full" in self.faults else "running"
        paused = "inmigrate" if "waits" in self.faults else paused
        self.run_state = "inmigrate" if self.is_resumed else paused

    def option(self, name: str, containing: str = "") -> str:
        """The first option of that name with that in it."""
        return next(given for key, given in self.options if key == name and containing in given)

    def path(self, chardev: str) -> Path:
        """Where that chardev listens."""
        return Path(value(self.option("-chardev", f"id={chardev},"), "path"))

    def human(self, line: str) -> str:
        """What the human monitor says; a port that is forwarded is really taken."""
        if line == "info usernet":
            rows = [
                f"  TCP[HOST_FORWARD]  {port}  127.0.0.1  {port}  10.0.2.15  22  0  0"
                for port in self.listeners
            ]
            return "\r\n".join(["Hub -1 (net0):", *rows, ""])
        rule = line.rpartition(" ")[2]
        port = int(re.fullmatch(r"tcp:127\.0\.0\.1:(\d+)-:22", rule)[1])  # type: ignore[index]
        failure = f"Could not set up host forwarding rule '{rule}'\r\n"
        if "no-forward" in self.faults:
            return failure
        try:
            listener = socket.create_server(("127.0.0.1", port))
        except OSError:
            return failure
        self.listeners[listener.getsockname()[1]] = listener
        return ""

    def answered(self, request: dict[str, Any]) -> bytes:
        """What the guest says to a request."""
        print(json.dumps(request), flush=True)
        well = told({"id": request["id"], "ok": True})
        if self.is_resumed and "no-wake" in self.faults:
            return b""
        if request["do"] == "freeze" and "no-freeze" in self.faults:
            return told({"id": request["id"], "ok": False, "error": "EBUSY"})
        if request["do"] == "unmount" and "held" in self.faults:
            held = ["container 'web' has /src"]
            return told({"id": request["id"], "ok": True, "held": held})
        if request["do"] == "poweroff" and "stays" not in self.faults:
            # As a guest does that ends at once: maybe before its answer is heard.
            self.over.set()
        return self.come_up(request) if request["do"] == "identity" else well

    def come_up(self, request: dict[str, Any]) -> bytes:
        """What the guest says on its way up."""
        number = request["id"]
        way = stage("mounting the data disk")
        if "hangs" in self.faults:
            return way
        if "fails" in self.faults:
            failed = {"event": "failed", "stage": "mounting the data disk", "message": "no \agood"}
            return way + told(failed)
        if "refuses" in self.faults:
            return way + told({"id": number, "ok": False, "error": "no \aspace left"})
        way += stage("starting the engine")
        if "dies-later" in self.faults:
            self.end(3)
            return way
        problems = {"problems": ["not mounted: because"]} if "no-mount" in self.faults else {}
        network = {} if "old" in self.faults else {"network": request.get("network")}
        return (
            way + told({"event": "ready", **problems, **network}) + told({"id": number, "ok": True})
        )

    def end(self, status: int) -> None:
        """End the program with that status."""
        print(STDERR, file=sys.stderr, flush=True)
        self.status = status
        self.over.set()

    def run(self) -> int:
        """Listen until somebody ends it; the exit status."""
        if "dies" in self.faults:
            self.end(1)
            return self.status
        signal.signal(
            signal.SIGTERM,
            signal.SIG_IGN if "no-term" in self.faults else lambda *_: self.over.set(),
        )
        script = b"" if "mute" in self.faults else stage("waiting for the machine's identity")
        guest = Chatter if "chatters" in self.faults else GuestFeed
        engine = HANGS if "deaf" in self.faults else (200, b"OK")
        network = self.option("-netdev")
        forward = Path(re.fullmatch("unix:(.*)-:2375", value(network, "hostfwd"))[1])  # type: ignore[index]
        transcript = b"" if "terse" in self.faults else STAGES
        transcript += PANIC if "panics" in self.faults else b""
        if "dies-listening" in self.faults:
            with Monitor(self.path("qmp"), self) as monitor:
                while not monitor.accepted:
                    time.sleep(0.001)
                self.end(1)
            return self.status
        with contextlib.ExitStack() as servers:
            for server in (
                ConsoleFeed(self.path("console"), transcript, chunk=99),
                guest(self.path("control"), script, reply=self.answered),
                Pinger(forward, engine),
                Monitor(self.path("calls"), self),
                Monitor(self.path("qmp"), self),
            ):
                servers.enter_context(server)
            self.over.wait()
        return self.status


class Chatter(GuestFeed):
    """A guest that never stops to tell of stages."""

    def serve(self, peer: socket.socket) -> None:
        """Say it until the client goes."""
        while not self.stopping.wait(0.001):
            peer.sendall(stage("thinking"))


if __name__ == "__main__":
    raise SystemExit(FakeQemu(sys.argv[1].split("+"), sys.argv[2:]).run())
