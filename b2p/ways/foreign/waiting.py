"""Waiting for a guest that b2p did not make: ssh lets its user in, then its engine answers."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from b2p import engine, firmware
from b2p.client import ssh
from b2p.errors import B2PError
from b2p.host import process
from b2p.machine import ports
from b2p.patience import Patience, Requirement
from b2p.provision.forwarders import PORTS
from b2p.ready import until_answered

if TYPE_CHECKING:
    from b2p.families.model import Engine, Family
    from b2p.host.process import Completed
    from b2p.store.layout import MachineFiles
    from b2p.ways import Attempt

LET_IN = Requirement("waiting for ssh", 900.0, "see its console: b2p logs, b2p console")
READY = Requirement("waiting for its services", 300.0, "look inside: b2p ssh")
ANSWERED = Requirement("starting the engine", 300.0, "look inside: b2p ssh")
ATTEMPT_SECONDS = 20.0
COMMAND_SECONDS = 120.0
ANSWER_SECONDS = 5.0
PAUSE = 0.5
NOT_OVER_SSH = 255
_THERE = ("forwarder", "served")
"""How an engine is reached whose port the guest opens unasked."""


def leading(arch: str) -> bytes:
    """The script that leads a port to a socket, with the program that it may need for that."""
    program = firmware.file(f"foreign/forward.{arch}.bin").read_bytes()
    escapes = "".join(f"\\{byte:03o}" for byte in program)
    words = f"forwarder_for={arch} forwarder='{escapes}'\n"
    return words.encode() + firmware.file("foreign/lead").read_bytes()


class Waiting:
    """One start being waited for."""

    def __init__(
        self,
        attempt: Attempt,
        family: Family,
        target: ssh.Target,
        files: MachineFiles,
        *,
        timeout: float,
    ) -> None:
        self._family = family
        self._target = target
        self._files = files
        self._record = attempt.record
        self._patience = Patience(
            files,
            attempt.started,
            watch=attempt.watch,
            task=attempt.task,
            timeout=timeout,
            first=LET_IN,
        )

    def until_ready(self) -> None:
        """From QEMU's start to the engine's answer; raises GuestError with the stage."""
        if self._family.ready.ssh:
            self._until_let_in()
        if self._family.ready.command:
            self._until_its_command()
        self._patience.begin(ANSWERED, say=True)
        for one in self._family.engines:
            unwanted = one.api == "varlink" and self._record.varlink == "off"
            if one.reach not in _THERE and not unwanted:
                self._lead(one)
        self._until_answered()

    def _until_let_in(self) -> None:
        """QEMU accepts connections before the guest does: only a login proves anything."""
        patience = self._patience
        patience.begin(LET_IN, say=True)
        deadline = time.monotonic() + patience.left()
        while True:
            began = time.monotonic()
            if self._run("true", ATTEMPT_SECONDS).status == 0:
                return
            if not patience.fine():
                raise patience.broken("it hung up")
            if time.monotonic() > deadline:
                raise patience.overdue()
            time.sleep(max(0.0, PAUSE - (time.monotonic() - began)))

    def _until_its_command(self) -> None:
        patience, ready = self._patience, self._family.ready
        patience.begin(READY, say=True)
        for _ in range(ready.tries):
            if self._run(ready.command, COMMAND_SECONDS).status == 0:
                return
            if not patience.fine():
                raise patience.broken("it hung up")
            time.sleep(ready.pause)
        raise patience.failure(patience.now(), f"{ready.command!r} fails in the guest", READY.hint)

    def _lead(self, wanted: Engine) -> None:
        """Have the guest lead its port to the engine's socket, with what it has for that."""
        sudo = "sudo " if self._family.user.sudo and self._family.user.uid else ""
        port = str(PORTS[wanted.api])
        words = [wanted.api, wanted.path, port, ports.GUEST, ports.GATEWAY]
        line, script = f"{sudo}sh -s -- {shlex.join(words)}", leading(self._record.arch)
        ended = self._run(line, COMMAND_SECONDS, stdin=script)
        if ended.status:
            said = ended.stderr.decode(errors="replace").strip().splitlines()
            why = said[-1] if said else "the guest cannot lead its port"
            raise self._patience.failure(ANSWERED.stage, why, ANSWERED.hint)

    def _until_answered(self) -> None:
        if engine.speaks_rest(self._record):
            until_answered(self._patience)
            return
        deadline = time.monotonic() + self._patience.left()
        while not engine.answers(self._record, self._files, ANSWER_SECONDS):
            if not self._patience.fine():
                raise self._patience.broken("it hung up")
            if time.monotonic() > deadline:
                raise self._patience.overdue()
            time.sleep(PAUSE)

    def _run(self, line: str, timeout: float, *, stdin: bytes | None = None) -> Completed:
        """A line for the guest's shell; a command that takes too long counts as failed."""
        program = ssh.tool("ssh")
        command = ssh.argv(self._target, line, terminal=False, program=program)
        try:
            return process.run(command, timeout=timeout, input=stdin, check=False)
        except B2PError as error:
            return process.Completed(NOT_OVER_SSH, b"", error.message.encode())
