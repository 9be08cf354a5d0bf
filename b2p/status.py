"""How machines are: derived each time from their records and from what runs, never stored."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from b2p import engine, sizes, standstill
from b2p.control import liveness
from b2p.control.liveness import Answer, Life
from b2p.errors import StateError, UsageError
from b2p.host import computer, lifetime, process
from b2p.image import recipe
from b2p.machine import peers
from b2p.store import lock, saved
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from b2p.errors import B2PError
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.record import Record

State = Literal["running", "suspended", "stopped", "broken"]

STANDING_STILL = frozenset({"paused", "postmigrate", "finish-migrate", "save-vm"})
"""QEMU's words for a machine that stands still because a `suspend` or a resume was killed."""

WAITING = "inmigrate"
"""QEMU's word for a machine that has never run: its start from a state was broken off."""

SCHEMA = 1
ANSWER_SECONDS = 2.0
ENDING_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How one machine is; `record` is None where it cannot be read."""

    name: str
    state: State
    record: Record | None
    files: MachineFiles
    problem: str = ""
    """Why it is broken."""
    remedy: str = ""
    answers: bool | None = None
    """Whether its engine answers; None where nobody asked."""
    run_state: str = ""
    """QEMU's word, where it answered."""

    @property
    def stands_still(self) -> bool:
        """Whether QEMU runs and the machine in it does not: a `suspend` or a resume was killed."""
        return self.run_state in STANDING_STILL

    @property
    def arch(self) -> str:
        """Of its guest; empty where its record cannot be read."""
        return (self.record.arch or computer.arch()) if self.record else ""

    def as_json(self) -> dict[str, Any]:
        """For programs: keys are only ever added."""
        record, files = self.record, self.files
        values: dict[str, Any] = {"name": self.name, "state": self.state}
        if record:
            values |= {
                "uuid": record.uuid,
                "image": record.image,
                "family": record.family or recipe.NAME,
                "arch": self.arch,
                "engine": _engine(record),
                "cpus": record.cpus,
                "memory": sizes.written(record.memory_mib * sizes.MIB),
                "disk": sizes.written(record.disk_bytes),
                "disk_used_bytes": used_bytes(*files.disks),
                "created": record.created,
            }
        if record and record.network_number:
            values |= {"network": record.network, "address": peers.address(record.network_number)}
        if record and self.state == "running":
            values |= {
                "pid": record.pid,
                "ssh_port": record.ssh_port,
                "podman_socket": str(files.podman),
            }
        if record and self.state == "running" and not record.family:
            if engine.of(record).is_rootless:
                values["core_socket"] = str(files.podman_core)
            values["docker_socket"] = str(files.docker)
        if self.state == "suspended":
            values["saved_bytes"] = used_bytes(files.saved_state)
        if self.answers is not None:
            values["answers"] = self.answers
        if self.problem:
            values |= {"problem": self.problem, "remedy": self.remedy}
        return values


def all_machines(layout: Layout) -> list[Status]:
    """Every machine of the user, by name, all asked at once; a broken one hides none."""
    found = records.listing(layout.machines)
    whole = of_records(found.records, layout)
    broken = [_unreadable(problem.name, problem.error, layout) for problem in found.problems]
    return sorted([*whole, *broken], key=lambda status: status.name)


def one_machine(layout: Layout, name: str) -> Status:
    """That machine, its engine asked as well; raises UsageError where there is none."""
    try:
        (status,) = of_records([known(layout, name)], layout)
    except StateError as error:
        return _unreadable(name, error, layout)
    if status.state != "running":
        return status
    assert status.record is not None  # noqa: S101 - only what has one runs
    return replace(status, answers=engine.answers(status.record, status.files, ANSWER_SECONDS))


def running(layout: Layout, name: str) -> Status:
    """That machine, which must be running: UsageError or StateError otherwise."""
    (status,) = of_records([known(layout, name)], layout)
    must_run(status)
    return status


def must_run(status: Status) -> None:
    """Raise UsageError or StateError for a machine that does not run."""
    name = status.name
    if status.state == "stopped":
        raise UsageError(f"machine {name!r} is not running", f"start it with 'b2p up {name}'")
    if status.state == "suspended":
        raise UsageError(f"machine {name!r} is suspended", f"resume it with 'b2p up {name}'")
    if status.state == "broken":
        raise StateError(f"machine {name!r} cannot be used: {status.problem}", status.remedy)


def known(layout: Layout, name: str) -> Record:
    """The record of that machine; UsageError where there is none, StateError where it is broken."""
    record = records.read(layout.machine(name).record)
    if record is None:
        raise UsageError(
            f"there is no machine {name!r}", f"make it with 'b2p up {name}', or see 'b2p ls'"
        )
    return record


def of_records(found: Sequence[Record], layout: Layout) -> list[Status]:
    """What the records, the process table and the QEMUs' own answers add up to."""
    files = {record.name: layout.machine(record.name) for record in found}
    questions = {record.name: (files[record.name].calls, record.uuid) for record in found}
    answers = liveness.ask_all(questions)
    return [_judged(record, files[record.name], answers[record.name]) for record in found]


def _judged(record: Record, files: MachineFiles, answer: Answer) -> Status:
    answer, alive = _settled(record, answer)
    state, problem, remedy = judgement(record.name, answer, alive=alive, disk=files.data_disk)
    if answer.life is Life.THERE and answer.run_state in STANDING_STILL:
        problem, remedy = "it stands still, half suspended", f"run 'b2p up {record.name}'"
    if answer.life is Life.THERE and answer.run_state == WAITING:
        problem, remedy = "its start was broken off", f"run 'b2p up {record.name}'"
    if saved.exists(files) and (state == "stopped" or answer.run_state not in ("running", "")):
        state, problem, remedy = "suspended", "", ""
    holder = lock.holder(files.lock) if state == "broken" else None
    if holder and holder.pid != os.getpid():
        state, problem, remedy = "running", "it is being started or stopped just now", "wait"
    if state == "stopped" and record.pid and not any(disk.exists() for disk in files.disks):
        state, problem = "broken", f"its disk {str(files.data_disk)!r} is gone"
        remedy = f"put it back, or remove the machine: 'b2p rm -f {record.name}'"
    return Status(
        name=record.name,
        state=state,
        record=record,
        files=files,
        problem=problem,
        remedy=remedy,
        run_state=answer.run_state,
    )


def _settled(record: Record, answer: Answer) -> tuple[Answer, bool]:
    """The answer, and whether the process lives; one that is just ending has ended by then.

    A QEMU that goes closes its socket first, and gives up a guest's memory long before it is gone.
    """
    pid, began = record.pid, record.pid_start
    alive = pid > 0 and process.alive(pid, began)
    is_deaf = answer.life is Life.ABSENT or (answer.life is Life.SILENT and lifetime.is_ending(pid))
    if alive and is_deaf and process.await_exit(pid, began, timeout=ENDING_SECONDS):
        return Answer(Life.ABSENT), False
    return answer, alive


def judgement(name: str, answer: Answer, *, alive: bool, disk: Path) -> tuple[State, str, str]:
    """State, problem and remedy by what QEMU answered and whether its process lives. Pure."""
    again = f"end it with 'b2p down --force {name}' and start it again"
    match answer.life:
        case Life.THERE if answer.run_state in ("running", ""):
            return "running", "", ""
        case Life.THERE if answer.run_state == standstill.RUN_STATE:
            return "broken", *standstill.told(name, disk)
        case Life.THERE:
            problem = f"QEMU says that it is {answer.run_state}"
        case Life.STRANGER:
            problem = "the QEMU at its socket is another machine's"
        case Life.ABSENT | Life.SILENT if alive:
            problem = "QEMU runs, but does not answer at its socket"
        case Life.SILENT:
            problem = "something else listens at its socket"
        case _:
            return "stopped", "", ""
    return "broken", problem, again


def _engine(record: Record) -> str:
    """podman or docker; varlink for engines of 2018, which have nothing else."""
    found = engine.apis(record)
    return next(one for one in ("podman", "docker", "varlink") if one in found)


def used_bytes(*paths: Path) -> int:
    """What sparse files really take on the disk, together; those that are missing take nothing."""
    used = 0
    for path in paths:
        with contextlib.suppress(OSError):
            used += path.stat().st_blocks * 512
    return used


def _unreadable(name: str, error: B2PError, layout: Layout) -> Status:
    return Status(
        name=name,
        state="broken",
        record=None,
        files=layout.machine(name),
        problem=error.message,
        remedy=error.hint,
    )
