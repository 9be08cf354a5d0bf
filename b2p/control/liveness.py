"""Which machines run: asked of many QEMUs at once, without qemu.qmp or asyncio.

A few lines of QMP over plain sockets, since importing qemu.qmp takes a good part of the time that
`status` has in all.
"""

from __future__ import annotations

import json
import select
import socket
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT = 1.0
_LONGEST_TALK = 1 << 20
# Sent in one go: QEMU answers in order, after its greeting.
_QUESTIONS = b'{"execute":"qmp_capabilities"}{"execute":"query-uuid"}{"execute":"query-status"}\n'


class Life(Enum):
    """What can be said of a machine by asking at its socket."""

    THERE = "there"
    """Its QEMU answered with the right UUID."""
    ABSENT = "absent"
    """Nobody listens."""
    STRANGER = "stranger"
    """A QEMU with another UUID answered."""
    SILENT = "silent"
    """Somebody listens but did not answer in time: hung, or busy with another client."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a machine's socket told."""

    life: Life
    run_state: str = ""
    """QEMU's word where the life is THERE: running, paused, shutdown, guest-panicked, ..."""


def answers(path: Path, uuid: str, timeout: float = TIMEOUT) -> bool:
    """Whether the QEMU of that UUID answers at the QMP socket."""
    return ask_all({"": (path, uuid)}, timeout)[""].life is Life.THERE


def ask_all(
    questions: Mapping[str, tuple[Path, str]], timeout: float = TIMEOUT
) -> dict[str, Answer]:
    """For each key the socket and UUID to ask for; all are asked at once.

    Takes as long as the slowest, at most `timeout` seconds; a stopped machine costs one stat.
    """
    found: dict[str, Answer] = {}
    talks: dict[socket.socket, tuple[str, _Talk]] = {}
    for key, (path, uuid) in questions.items():
        opened = _opened(path)
        if isinstance(opened, Answer):
            found[key] = opened
        else:
            talks[opened] = (key, _Talk(uuid))
    deadline = time.monotonic() + timeout
    try:
        while talks and (left := deadline - time.monotonic()) > 0:
            for ready in select.select(list(talks), [], [], left)[0]:
                key, talk = talks[ready]
                if (answer := talk.heard(_received(ready))) is not None:
                    found[key] = answer
                    del talks[ready]
                    ready.close()
    finally:
        for late, (key, _) in talks.items():
            found[key] = Answer(Life.SILENT)
            late.close()
    return {key: found[key] for key in questions}


class _Talk:
    """One conversation, fed with what was received. Pure."""

    def __init__(self, uuid: str) -> None:
        self._uuid = uuid.lower()
        self._text = b""
        self._returns: list[Any] = []

    def heard(self, data: bytes) -> Answer | None:
        """The answer once it is known; empty data means that the other side hung up."""
        self._text += data
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            message = _message(line)
            if "return" in message or "error" in message:
                self._returns.append(message.get("return"))
        if len(self._returns) >= 3:
            return self._judged(*self._returns[1:3])
        over = not data or len(self._text) > _LONGEST_TALK
        return Answer(Life.ABSENT) if over else None

    def _judged(self, identity: object, status: object) -> Answer:
        given = identity.get("UUID") if isinstance(identity, dict) else None
        if not isinstance(given, str) or given.lower() != self._uuid:
            return Answer(Life.STRANGER)
        state = status.get("status") if isinstance(status, dict) else None
        return Answer(Life.THERE, str(state or ""))


def _opened(path: Path) -> socket.socket | Answer:
    """A connection that has put its questions, or the answer where there is none to be had."""
    talker = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    talker.setblocking(False)
    try:
        talker.connect(str(path))
        talker.send(_QUESTIONS)
    except BlockingIOError:
        talker.close()
        return Answer(Life.SILENT)  # others wait in its queue already
    except OSError:
        talker.close()
        return Answer(Life.ABSENT)
    return talker


def _received(talker: socket.socket) -> bytes:
    try:
        return talker.recv(65536)
    except OSError:
        return b""


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
