"""Whether this computer runs a guest's code itself: proven by a payload, not believed.

A /dev/kvm may open, answer its ioctls and still hang every guest. So a tiny guest
(firmware/probe) is run: it enters 64-bit mode, calculates, takes a timer's interrupt and says so.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.errors import HostError
from b2p.host import computer, process
from b2p.host import findings as known
from b2p.machine.architecture import accelerator_options, architecture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from b2p.machine.model import Accelerator, Arch, Qemu

LIMIT_SECONDS = 2.0
"""What the payload gets: it needs a tenth of that, even under emulation."""

DOUBT_SECONDS = 3600.0
"""How long a failure is believed: the computer may only have been busy."""

KVM = Path("/dev/kvm")
CPUINFO = Path("/proc/cpuinfo")

BENEATH = (
    "allow nested virtualisation where this computer is a virtual machine, or set accel to 'tcg' "
    "to hear no more of it"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an accelerator is not used, and what to do about it; each one line."""

    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.why}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How QEMU ends when the payload of an architecture has passed."""

    options: tuple[str, ...]
    status: int
    said: bytes


VERDICTS: dict[Arch, Verdict] = {
    # isa-debug-exit makes 2 * code + 1 of the code 0x31.
    "x86_64": Verdict(("-device", "isa-debug-exit,iobase=0xf4,iosize=4"), 99, b""),
    # PSCI can only switch off, so the word on the serial port counts.
    "aarch64": Verdict(("-serial", "stdio"), 0, b"b2p: passed"),
}


def prove(
    qemu: Qemu, arch: Arch, wish: str, *, payload: Path, findings: Path
) -> tuple[Accelerator, str]:
    """The accelerator to use for guests of `arch`, and why it is not hardware ("" where it is).

    `wish` is "auto", "kvm", "hvf" or "tcg". HostError where a named one does not work here.
    """
    native = native_accelerator()
    match wish:
        case "tcg":
            return "tcg", ""
        case "kvm" | "hvf" if wish != native:
            raise HostError(f"{wish!r} does not exist on {sys.platform!r}", "set accel to 'auto'")
        case "auto" | "kvm" | "hvf":
            pass
        case _:
            hint = "choose one of: auto, kvm, hvf, tcg"
            raise HostError(f"there is no accelerator {wish!r}", hint)
    if arch != computer.arch():
        if wish == "auto":
            return "tcg", ""
        raise HostError(
            f"{wish!r} runs {computer.arch()} guests here, not {arch} ones",
            "set accel to 'auto', which emulates them",
        )
    problem = _problem(qemu, arch, native, payload.absolute(), findings)
    if problem is None and native is not None:
        return native, ""
    if wish == "auto" or problem is None:
        return "tcg", str(problem or "")
    raise HostError(problem.why, problem.remedy)


def native_accelerator(platform: str = sys.platform) -> Accelerator | None:
    """What the operating system offers, working or not."""
    match platform:
        case "linux":
            return "kvm"
        case "darwin":
            return "hvf"
        case _:
            return None


def command(qemu: Qemu, arch: Arch, accelerator: Accelerator, payload: Path) -> list[str]:
    """QEMU with the payload as its guest, under the options that a machine gets."""
    return [
        *qemu.command,
        "-machine", f"{qemu.machine_type},{architecture(arch).machine_options}",
        *accelerator_options(arch, accelerator),
        "-nodefaults", "-no-user-config", "-display", "none", "-m", "64", "-no-reboot",
        *VERDICTS[arch].options,
        "-kernel", str(payload),
    ]  # fmt: skip


def run_payload(qemu: Qemu, arch: Arch, accelerator: Accelerator, payload: Path) -> Problem | None:
    """Run the payload, an absolute path; None where it passed."""
    verdict = VERDICTS[arch]
    with tempfile.TemporaryDirectory(prefix="b2p-") as directory:
        log = Path(directory) / "log"
        words = command(qemu, arch, accelerator, payload)
        try:
            status = process.run_watched(words, log, _watch(log), LIMIT_SECONDS)
        except process.OverdueError:
            return Problem(f"{_device(accelerator)} opens but hangs guests", BENEATH)
        except _InternalError:
            return Problem(f"{_device(accelerator)} opens but cannot run guests", BENEATH)
        said = log.read_bytes()
    if status == verdict.status and verdict.said in said:
        return None
    lines = said.decode(errors="replace").strip().splitlines() or [f"status {status}"]
    return Problem(f"QEMU's {accelerator!r} fails: {lines[-1].strip()}", BENEATH)


def kvm_problem(device: Path = KVM, cpuinfo: Path = CPUINFO) -> Problem | None:
    """What can be told without a guest: no device, or no right to it."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError:
        why = f"you may not use {device}"
        return Problem(why, "add yourself to group kvm and log in again")
    except FileNotFoundError:
        return _missing(device, cpuinfo)
    except OSError as error:
        return Problem(f"{device} does not open: {error.strerror}", BENEATH)
    return None


def _problem(
    qemu: Qemu, arch: Arch, accelerator: Accelerator | None, payload: Path, findings: Path
) -> Problem | None:
    if accelerator is None:
        return Problem(f"b2p knows no accelerator of {sys.platform!r}", "use Linux or macOS")
    if accelerator == "kvm" and (problem := kvm_problem()):
        return problem
    key = _key(qemu, accelerator, payload)
    finding = known.read(findings, "accelerators", key) or {}
    if _counts(finding, time.time()):
        why = str(finding.get("why") or "")
        return Problem(why, str(finding.get("remedy"))) if why else None
    problem = run_payload(qemu, arch, accelerator, payload)
    finding = {"why": problem.why, "remedy": problem.remedy} if problem else {"why": ""}
    known.write(findings, "accelerators", key, {**finding, "when": time.time()})
    return problem


def _counts(finding: dict[str, object], now: float) -> bool:
    """Whether a finding is still to be believed: success until the next boot, failure a while."""
    when = finding.get("when")
    if not isinstance(when, (int, float)):
        return False
    return finding.get("why") == "" or 0 <= now - when < DOUBT_SECONDS


def _key(qemu: Qemu, accelerator: Accelerator, payload: Path) -> str:
    try:
        proof = hashlib.sha256(payload.read_bytes()).hexdigest()
    except OSError as error:
        raise HostError(
            f"cannot read {str(payload)!r}: {error.strerror}", "reinstall b2p"
        ) from error
    # The inode changes when the kernel's module is loaded anew, perhaps with other options.
    inode = KVM.stat().st_ino if accelerator == "kvm" else 0
    words = (qemu.identity, accelerator, computer.boot_id(), str(os.getuid()), str(inode), proof)
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]


class _InternalError(HostError):
    """KVM gave up, and QEMU waits for somebody to look at it."""


def _watch(log: Path) -> Callable[[], None]:
    def look() -> None:
        if b"KVM internal error" in log.read_bytes():
            raise _InternalError("KVM internal error")

    return look


def _device(accelerator: Accelerator) -> str:
    return str(KVM) if accelerator == "kvm" else f"the accelerator {accelerator!r}"


def _missing(device: Path, cpuinfo: Path) -> Problem:
    try:
        flags: Sequence[str] = cpuinfo.read_text().split()
    except OSError:
        flags = ()
    if "vmx" in flags or "svm" in flags:
        remedy = "load the kernel's module kvm, or hand the device to this container"
        return Problem(f"there is no {device}, though the processor could", remedy)
    return Problem(
        f"there is no {device}: virtualisation is off, or this is a virtual machine without it",
        "switch virtualisation on in the firmware's set-up, or allow it to be nested",
    )
