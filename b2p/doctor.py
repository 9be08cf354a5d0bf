"""What a computer needs for b2p, as a list of checks; each says what to do where it is not met."""

from __future__ import annotations

import os
import platform
import stat
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from b2p import firmware, sizes, status
from b2p.client import ssh
from b2p.errors import B2PError, HostError
from b2p.host import accelerator, brought, computer, process, qemu
from b2p.store.layout import SOCKET_PATH_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from b2p.machine.model import Qemu
    from b2p.report import Report
    from b2p.settings import Settings
    from b2p.store.layout import Layout

SCHEMA = 1
ROOM = 3 * sizes.GIB
"""Bytes that the image, its packages, a QEMU and a first few containers take."""
SPARE_MIB = 512
"""Memory that the computer itself should keep."""
MIRROR_SECONDS = 5.0
OLD_DAYS = 30
"""Age of an image from which on it lacks a good many security updates."""
WRONG_SECONDS = 300.0
"""A clock that is off by more makes signatures invalid, and certificates."""

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it ("" where all is well)."""

    what: str
    verdict: Verdict
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at."""

    settings: Settings
    layout: Layout


def examined(settings: Settings, layout: Layout, report: Report) -> list[Check]:
    """All checks, in the order in which things are needed; none stops the others."""
    patient = Patient(settings, layout)
    found: list[Check] = []
    with report.task("looking at this computer") as task:
        task.expect(len(CHECKS))
        for what, check in CHECKS.items():
            task.say(what)
            found += _safely(what, check, patient)
            task.advance(1)
    return found


def _safely(
    what: str, check: Callable[[Patient], Iterator[Check]], patient: Patient
) -> list[Check]:
    try:
        return list(check(patient))
    except B2PError as error:
        return [Check(what, "fail", error.message, error.hint)]
    except OSError as error:
        return [Check(what, "fail", str(error), "see to its permissions")]


def _python(_patient: Patient) -> Iterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} at {sys.executable}")


def _ssh(_patient: Patient) -> Iterator[Check]:
    said = process.run([ssh.tool("ssh"), "-V"], timeout=5, check=False)
    ssh.tool("ssh-keygen")
    yield Check("ssh", "ok", (said.stderr or said.stdout).decode(errors="replace").strip())


def _qemu(patient: Patient) -> Iterator[Check]:
    try:
        found = _found_qemu(patient)
    except _NoneYetError:
        yield Check("qemu", "ok", "none that will do; 'b2p up' brings one (about 30 MB)")
        yield _device()
        return
    version = ".".join(map(str, found.version))
    yield Check("qemu", "ok", f"{version} ({found.origin}) at {qemu.binary(found.command)}")
    yield _accelerator(patient, found)


def _accelerator(patient: Patient, found: Qemu) -> Check:
    arch = computer.guest_arch(patient.settings.arch)
    accel, problem = accelerator.prove(
        found,
        arch,
        patient.settings.accel,
        payload=firmware.file(f"probe/{arch}.bin"),
        findings=patient.layout.findings,
    )
    told = "emulation (tcg)" if accel == "tcg" else accel
    return Check("accelerator", "warn" if problem else "ok", told, problem)


def _device() -> Check:
    """What can be said of hardware acceleration without a QEMU to prove it with."""
    problem = accelerator.kvm_problem() if sys.platform == "linux" else None
    if problem:
        return Check("accelerator", "warn", f"tcg: {problem.why}", problem.remedy)
    return Check("accelerator", "ok", "to be proven once there is a QEMU")


class _NoneYetError(HostError):
    """There is no QEMU, and `up` would bring one."""


def _found_qemu(patient: Patient) -> Qemu:
    """The QEMU that `up` would take, without bringing one."""
    arch = computer.guest_arch(patient.settings.arch)

    def bring() -> tuple[str, ...]:
        kind = brought.Kind(guest=arch, here=computer.arch())
        command = brought.existing(kind, patient.layout.qemu)
        if command is None:
            raise _NoneYetError("none brought yet")
        return command

    return qemu.find(patient.settings.qemu, arch, findings=patient.layout.findings, bring=bring)


def _cores(patient: Patient) -> Iterator[Check]:
    cores, wanted = computer.cores(), patient.settings.cpus
    if wanted > cores:
        yield Check(
            "cores", "warn", f"{cores}, but a machine gets {wanted}", f"set cpus to {cores}"
        )
    else:
        yield Check("cores", "ok", f"{cores}; a machine gets {wanted}")


def _memory(patient: Patient) -> Iterator[Check]:
    here, wanted = computer.memory_mib(), patient.settings.memory // sizes.MIB
    found = f"{here} MiB; a machine gets up to {wanted} MiB"
    if wanted > here:
        yield Check("memory", "fail", found, "set memory to less")
    elif wanted + SPARE_MIB > here:
        yield Check(
            "memory", "warn", found, f"set memory to {max(here - SPARE_MIB, 512)}MiB or less"
        )
    else:
        yield Check("memory", "ok", found)


def _room(patient: Patient) -> Iterator[Check]:
    for what, place in (("machines", patient.layout.data), ("cache", patient.layout.cache)):
        free = computer.free_bytes(place)
        found = f"{sizes.rounded(free)} free for the {what} at {place}"
        if free < ROOM:
            yield Check("room", "warn", found, f"make room: {sizes.rounded(ROOM)} are a good start")
        else:
            yield Check("room", "ok", found)


def _directories(patient: Patient) -> Iterator[Check]:
    places = patient.layout.data, patient.layout.sockets
    wrong = [check for place in places if (check := _directory(place))]
    yield from wrong or [Check("directories", "ok", f"{places[0]} and {places[1]} are yours alone")]


def _directory(place: Path) -> Check | None:
    try:
        found = place.stat()
    except FileNotFoundError:
        return None
    if found.st_uid != os.geteuid():
        return Check("directories", "fail", f"{place} belongs to another user", "remove it")
    if stat.S_IMODE(found.st_mode) & 0o077:
        return Check("directories", "warn", f"others may enter {place}", f"chmod 700 {place}")
    return None


def _sockets(patient: Patient) -> Iterator[Check]:
    files = patient.layout.machine("default")
    longest = max(len(os.fsencode(path)) for path in files.sockets)
    found = f"{longest} of at most {SOCKET_PATH_LIMIT} bytes, in {patient.layout.sockets}"
    fits = longest <= SOCKET_PATH_LIMIT
    yield Check("sockets", "ok" if fits else "fail", found, "" if fits else "use a shorter HOME")


def _mirror(patient: Patient) -> Iterator[Check]:
    from b2p.debian import sources

    if patient.settings.offline:
        yield Check("mirror", "ok", "not asked, nor for the time: offline is set")
        return
    found = sources.from_computer(setting=patient.settings.mirror or None)
    for mirror in found.mirrors:
        when = _time_at(f"{mirror}/dists/")
        if when is not None:
            yield Check("mirror", "ok", mirror)
            yield _clock(when or time.time())
            return
    yield Check("clock", "ok", "nobody could be asked for the time")
    yield Check(
        "mirror",
        "warn",
        f"none of {len(found.mirrors)} answers, so no image can be built now",
        "go online, set mirror to one that you reach, or https_proxy",
    )


def _time_at(url: str) -> float | None:
    """What time it is there, 0 where that is not told; None where nobody answers."""
    from email.utils import parsedate_to_datetime

    import httpx

    try:
        answer = httpx.head(url, timeout=MIRROR_SECONDS, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return None
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return 0.0


def _clock(there: float) -> Check:
    off = time.time() - there
    if abs(off) <= WRONG_SECONDS:
        return Check("clock", "ok", "right, by the mirror's")
    which = "ahead" if off > 0 else "behind"
    found = f"{abs(off) / 60:.0f} minutes {which}, by the mirror's"
    return Check("clock", "warn", found, "set this computer's clock")


def _image(patient: Patient) -> Iterator[Check]:
    """How old what b2p built is; its manifest is the same whenever it is built, its file is not."""
    from b2p.image import cache

    built = cache.every(patient.layout.images)
    if not built:
        yield Check("image", "ok", "none built yet; 'b2p up' builds one")
        return
    days = (time.time() - (built[0].directory / cache.MANIFEST).stat().st_mtime) / 86400
    found = f"{built[0].digest[:12]}, built {days:.0f} days ago"
    if days > OLD_DAYS:
        yield Check("image", "warn", found, "build one of today's packages: b2p upgrade")
    else:
        yield Check("image", "ok", found)


def _machines(patient: Patient) -> Iterator[Check]:
    machines = status.all_machines(patient.layout)
    for one in machines:
        if one.state == "broken":
            yield Check("machines", "fail", f"{one.name}: {one.problem}", one.remedy)
    if not any(one.state == "broken" for one in machines):
        found = (
            f"{len(machines)}, of which {sum(one.state == 'running' for one in machines)} running"
        )
        if asleep := [one for one in machines if one.state == "suspended"]:
            used = sum(status.used_bytes(one.files.saved_state) for one in asleep)
            found += f" and {len(asleep)} suspended, in {sizes.rounded(used)}"
        yield Check("machines", "ok", found)


CHECKS: dict[str, Callable[[Patient], Iterator[Check]]] = {
    "python": _python,
    "ssh": _ssh,
    "qemu": _qemu,
    "cores": _cores,
    "memory": _memory,
    "room": _room,
    "directories": _directories,
    "sockets": _sockets,
    "mirror": _mirror,
    "image": _image,
    "machines": _machines,
}
