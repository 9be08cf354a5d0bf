"""Which QEMU is used, and what it says of itself: asked once per binary, cached in findings."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from b2p.errors import B2PError, HostError
from b2p.host import findings as known
from b2p.host import process
from b2p.machine.model import Qemu
from b2p.report import Report, SilentReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from b2p.machine.model import Arch

Origin = Literal["system", "managed", "path"]

OLDEST = (7, 2, 0)
"""The oldest QEMU whose options b2p knows."""

PROBE_SECONDS = 10.0
"""Long enough for a cold disk; a warm probe takes a tenth of a second."""

BOARDS: dict[Arch, str] = {"x86_64": "q35", "aarch64": "virt"}

ELSEWHERE = ("/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin", "/usr/bin")
"""Where a QEMU may lie that is not on the PATH."""

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

FORWARD_PORT = 2375
"""Any port of a guest does for the question."""


def find(
    wish: str,
    arch: Arch,
    *,
    findings: Path,
    bring: Callable[[], tuple[str, ...]],
    report: Report | None = None,
) -> Qemu:
    """The QEMU to use: `wish` is "auto", "system", "managed" or the path of a binary.

    "auto" takes the system's where it can forward to a unix socket, else the one that `bring`
    gives; a system's that cannot is taken where none can be brought. HostError where the wish
    cannot be met.
    """
    report = report or SilentReport()
    match wish:
        case "managed":
            return _managed(arch, findings, bring)
        case "system":
            command = _on_system(arch)
            if command is None:
                raise _missing(arch)
            return _named(command, "system", arch, findings)
        case "auto":
            return _best(arch, findings, bring, report)
        case path:
            return _named((_executable(path),), "path", arch, findings)


def probe(command: tuple[str, ...], origin: Origin, arch: Arch, *, findings: Path) -> Qemu:
    """Ask one QEMU what it is and can do; HostError where it does not answer as QEMU does."""
    key = identity(command)
    finding = known.read(findings, "qemu", key) or {}
    asked = {"command": list(command), "arch": arch}
    if asked.items() <= finding.items():
        # What another version of b2p wrote, or a hand, may lack something: then ask.
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return _from_finding(finding, command, origin, key)
    finding = {**asked, **_ask(command, arch)}
    known.write(findings, "qemu", key, finding)
    return _from_finding(finding, command, origin, key)


def identity(command: tuple[str, ...]) -> str:
    """The digest of the binary's path, size and mtime: it changes when QEMU is upgraded."""
    path = Path(binary(command)).resolve()
    try:
        status = path.stat()
    except OSError as error:
        raise HostError(f"no QEMU at {str(path)!r}: {error.strerror}") from error
    text = f"{path}\n{status.st_size}\n{status.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def binary(command: tuple[str, ...]) -> str:
    """QEMU's own file in the words that start it, which may begin with an ld.so."""
    if "--argv0" in command:
        return command[command.index("--argv0") + 2]
    return command[0]


def parse_version(text: str) -> tuple[int, int, int] | None:
    """The version in what `-version` prints; None where that is not QEMU's."""
    found = re.search(r"QEMU emulator version (\d+)\.(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def parse_machine_type(text: str, board: str) -> str | None:
    """What the alias `board` (q35, virt) stands for in what `-machine help` prints."""
    found = re.search(rf"^{re.escape(board)} .*\(alias of ([\w.-]+)\)", text, re.MULTILINE)
    return found[1] if found else None


def told(version: tuple[int, int, int]) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def _from_finding(
    finding: dict[str, Any], command: tuple[str, ...], origin: Origin, key: str
) -> Qemu:
    major, minor, micro = finding["version"]
    return Qemu(
        command=command,
        version=(int(major), int(minor), int(micro)),
        machine_type=str(finding["machine_type"]),
        unix_forward=bool(finding["unix_forward"]),
        sandbox=bool(finding["sandbox"]),
        exit_with_parent=bool(finding["exit_with_parent"]),
        shares=bool(finding["shares"]),
        origin=origin,
        identity=key,
    )


def _ask(command: tuple[str, ...], arch: Arch) -> dict[str, Any]:
    ended = process.run([*command, "-version"], timeout=PROBE_SECONDS, check=False)
    said = (ended.stdout + ended.stderr).decode(errors="replace")
    version = parse_version(said)
    if version is None:
        hint = "name a qemu-system binary, or set qemu to 'auto'"
        raise HostError(f"{binary(command)!r} is not a QEMU", hint, details=said)
    listed = process.run([*command, "-machine", "help"], timeout=PROBE_SECONDS).stdout.decode()
    machine_type = parse_machine_type(listed, BOARDS[arch])
    if machine_type is None:
        hint = f"name a qemu-system-{arch}, or set qemu to 'auto'"
        raise HostError(f"{binary(command)!r} has no {BOARDS[arch]!r} machine", hint)
    return {
        "version": version,
        "machine_type": machine_type,
        "unix_forward": _takes_unix_forward(command),
        "sandbox": sys.platform == "linux" and _starts(command, "-sandbox", SANDBOX),
        "exit_with_parent": _starts(command, "-run-with", "exit-with-parent=on"),
        "shares": _starts(command, "-fsdev", "local,id=probe,path=/,security_model=none"),
    }


def _takes_unix_forward(command: tuple[str, ...]) -> bool:
    # The hyphen belongs to the question: up to QEMU 10.2 a rule was split at its first one.
    with tempfile.TemporaryDirectory(prefix="b2p-") as directory:
        rule = f"hostfwd=unix:{directory}/a.sock-:{FORWARD_PORT}".replace(",", ",,")
        return _starts(command, "-netdev", f"user,id=probe,{rule}")


def _starts(command: tuple[str, ...], *options: str) -> bool:
    """Whether QEMU starts with these options, without a guest, and ends when asked over QMP."""
    bare = ["-nodefaults", "-no-user-config", "-display", "none", "-M", "none", "-qmp", "stdio"]
    verbs = "\n".join(json.dumps({"execute": verb}) for verb in ("qmp_capabilities", "quit"))
    ended = process.run(
        [*command, *bare, *options], input=verbs.encode(), timeout=PROBE_SECONDS, check=False
    )
    return ended.status == 0


def _best(arch: Arch, findings: Path, bring: Callable[[], tuple[str, ...]], report: Report) -> Qemu:
    usable, problem, is_news = None, "", False
    command = _on_system(arch)
    if command is not None:
        try:
            is_news = known.read(findings, "qemu", identity(command)) is None
            usable = _named(command, "system", arch, findings)
            if usable.unix_forward or sys.platform != "linux":
                return usable
            problem = f"QEMU {told(usable.version)} at {command[0]!r} cannot forward unix sockets"
        except HostError as error:
            problem = error.message
    if is_news:
        # Once per binary: it is no news at every start.
        report.note(f"{problem}; b2p uses one of its own")
    try:
        return _managed(arch, findings, bring)
    except B2PError as error:
        if usable is None:
            if problem:
                error.hint = f"{error.hint}; also: {problem}".removeprefix("; ")
            raise
        report.warn(f"{problem}, and none could be brought: {error.message}", error.hint)
        return usable


def _managed(arch: Arch, findings: Path, bring: Callable[[], tuple[str, ...]]) -> Qemu:
    if sys.platform != "linux":
        raise _missing(arch)
    return probe(bring(), "managed", arch, findings=findings)


def _named(command: tuple[str, ...], origin: Origin, arch: Arch, findings: Path) -> Qemu:
    qemu = probe(command, origin, arch, findings=findings)
    if qemu.version < OLDEST:
        raise HostError(
            f"QEMU {told(qemu.version)} at {command[0]!r} is too old: "
            f"{told(OLDEST)} is the oldest that b2p knows",
            "install a newer one, or set qemu to 'auto'",
        )
    return qemu


def _on_system(arch: Arch) -> tuple[str, ...] | None:
    name = f"qemu-system-{arch}"
    found = shutil.which(name) or shutil.which(name, path=":".join(ELSEWHERE))
    return (found,) if found else None


def _missing(arch: Arch) -> HostError:
    if sys.platform == "darwin":
        return HostError("no QEMU on this computer", "install it: brew install qemu")
    message = f"no 'qemu-system-{arch}' on this computer"
    return HostError(message, "install QEMU, or set qemu to 'auto' and b2p brings one")


def _executable(path: str) -> str:
    found = shutil.which(Path(path).expanduser())
    if found is None:
        hint = "give the path of a qemu-system binary, or one of: auto, system, managed"
        raise HostError(f"no QEMU at {path!r}", hint)
    return str(Path(found).absolute())
