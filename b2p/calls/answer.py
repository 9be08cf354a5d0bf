"""What comes of a host call: the request is done at QEMU's second monitor, without the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from b2p import publish
from b2p.calls.request import MalformedError, Request, parsed
from b2p.control.quick import QuickMonitor
from b2p.diary import Diary
from b2p.errors import B2PError
from b2p.store import record as records

if TYPE_CHECKING:
    from b2p.publish import Outcome
    from b2p.store.layout import MachineFiles
    from b2p.store.record import Record


SLEEP = "sleep"
"""In an answer: the machine is suspended now."""


def answered(line: bytes, files: MachineFiles) -> dict[str, Any]:
    """Do what the line asks for; the answer, which tells the guest nothing of this computer."""
    try:
        request = parsed(line, _token(files))
    except MalformedError as error:
        return {"ok": False, "error": str(error), "again": False}
    if request.verb == "idle":
        return _idle(files)
    try:
        return {"ok": True, **_done(request, files)}
    except B2PError as error:
        Diary(files).note(f"ports: {error.message}")
        return {"ok": False, "error": "the host cannot do it just now", "again": True}


def _idle(files: MachineFiles) -> dict[str, Any]:
    """Whether it may sleep; it is suspended once it has heard that: see __main__."""
    try:
        record = records.read(files.record)
    except B2PError:
        record = None
    if record is None or not record.idle_suspend:
        return {"ok": False, "error": "it is not wished", "again": False}
    return {"ok": True, SLEEP: True}


def _done(request: Request, files: MachineFiles) -> dict[str, Any]:
    record = records.read(files.record)
    if record is None:
        raise B2PError("machine.json is gone")
    with QuickMonitor(files.calls) as monitor:
        if request.verb == "unpublish":
            publish.unpublish(monitor, record, request.wishes)
            return {}
        outcomes = publish.publish(monitor, record, request.wishes, everything=request.everything)
    for outcome in outcomes:
        if outcome.problem:
            Diary(files).note(_told(outcome, record))
    return {"refused": [_key(outcome) for outcome in outcomes if outcome.rule is None]}


def _told(outcome: Outcome, record: Record) -> str:
    wish, rule = outcome.wish, outcome.rule
    if rule is None:
        what = f"is not published on this computer: {outcome.problem}"
    else:
        what = f"is published elsewhere: {outcome.problem}"
    return f"port {wish.port}/{wish.protocol} of machine {record.name!r} {what}"


def _key(outcome: Outcome) -> dict[str, Any]:
    return {"protocol": outcome.wish.protocol, "port": outcome.wish.port}


def _token(files: MachineFiles) -> str:
    try:
        return files.token.read_text()
    except OSError:
        return ""
