"""Going into a running machine: ssh, the guest's own podman, the serial console."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from b2p import engine, status
from b2p.client import ssh as client
from b2p.errors import GuestError, UsageError
from b2p.host import process
from b2p.machine import ports
from b2p.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from b2p.client.varlink import Connection
    from b2p.report import Report
    from b2p.store.layout import Layout
    from b2p.store.record import Record

SSH_FAILED = 255
"""ssh's own status for a connection that failed; the command's, if it chose that."""
QUESTION_SECONDS = 45.0


def ssh(
    layout: Layout, name: str, command: Sequence[str], *, root: bool, forward_agent: bool = False
) -> int:
    """A login shell in the machine, or a command there; its exit status.

    One word is a line for the guest's shell; several are the words of one command.
    """
    record = status.running(layout, name).record
    user = "root" if root else user_of(record)
    terminal = _is_terminal() if command else os.isatty(0)
    goal = target(layout, name, user, forward_agent=forward_agent)
    return _hand_over(goal, _line(record, command), terminal=terminal)


def answer(
    layout: Layout,
    name: str,
    command: Sequence[str],
    *,
    root: bool,
    input: str | None = None,  # noqa: A002 - subprocess calls it so
    timeout: float | None = None,
) -> process.Completed:
    """Run a command in the machine, without a terminal; what it said and its status.

    Raises GuestError where ssh itself failed, OverdueError after `timeout` seconds.
    """
    record = status.running(layout, name).record
    goal = target(layout, name, "root" if root else user_of(record))
    program = client.tool("ssh")
    words = client.argv(goal, _line(record, command), terminal=False, program=program)
    given = None if input is None else input.encode()
    said = process.run(words, timeout=timeout, input=given, check=False)
    if said.status == SSH_FAILED:
        _check_reach(goal, program)
    return said


def _line(record: Record | None, command: Sequence[str]) -> str:
    """The command for the guest's shell, begun where we stand; a login shell where there is none.

    One word is a line already.
    """
    line = command[0] if len(command) == 1 else shlex.join(command)
    if here := _here(record):
        return f"cd -- {here} 2>/dev/null; {line or 'exec $SHELL -l'}"
    return line


def podman(
    layout: Layout,
    name: str,
    arguments: Sequence[str],
    report: Report,
    *,
    rootless: bool = False,
) -> int:
    """The guest's own podman, as root, with a terminal where there is one; its exit status.

    With `rootless`, as the machine's user. In b2p's own image it has this computer's registry
    logins, while the command runs.
    """
    record = status.running(layout, name).record
    if record and not engine.speaks_podman(record):
        raise UsageError(
            f"machine {name!r} has no podman, but docker",
            f"give docker the words: b2p ssh {name} -- docker {shlex.join(arguments)}".rstrip(),
        )
    user = user_of(record)
    # In b2p's own image root may log in; elsewhere nobody knows.
    is_own = user == client.USER
    words = ["podman", *arguments] if is_own or rootless else ["sudo", "podman", *arguments]
    goal = target(layout, name, "root" if is_own and not rootless else user)
    line = shlex.join(words)
    if here := _here(record):
        lost = f"echo b2p: {here} is not there in the machine >&2"
        line = f"cd -- {here} 2>/dev/null || {lost}; {line}"
    logins = _logins(arguments, report) if record and not record.family else ""
    return _hand_over(goal, line, terminal=_is_terminal(), logins=logins)


def _logins(arguments: Sequence[str], report: Report) -> str:
    """The registry logins of this computer, where these words may need one."""
    from b2p.client import logins

    if not logins.asks_registry(arguments):
        return ""
    return logins.collected(os.environ, ports.GATEWAY, process.run, report.warn)


def _here(record: Record | None) -> str:
    """The directory we stand in as the guest has it, for its shell; empty where it has not."""
    from b2p import mounts

    place = mounts.guest_directory(record.mounts) if record else ""
    return shlex.quote(place) if place else ""


def console(layout: Layout, name: str, say: Callable[[str], None]) -> None:
    """The person at the serial console until they detach."""
    from b2p.control.attach import attach
    from b2p.control.guest import GuestPort
    from b2p.control.monitor import Monitor

    files = status.running(layout, name).files
    with Monitor(files.calls) as monitor:
        if monitor.is_taken("console"):
            raise GuestError(
                "console", f"somebody sits at the console of {name!r}", "detach there: Ctrl-]"
            )
    if files.control.is_socket():
        # The shell there is started when somebody looks: an idle machine has none.
        with GuestPort(files.control) as port:
            port.ask("console", timeout=QUESTION_SECONDS)
    attach(files.console, say=say)


def core_socket(found: status.Status) -> Path:
    """Where the engine of the machine's user answers; UsageError where there is none."""
    if found.record is not None and found.record.family:
        raise UsageError(
            f"machine {found.name!r} has one engine only: {found.record.family} brings no other",
            "leave out --rootless, or make a machine of b2p's own image",
        )
    if found.record is not None and not engine.of(found.record).is_rootless:
        raise UsageError(
            f"machine {found.name!r} has {found.record.engine}, which is root's alone",
            "leave out --rootless, or make a machine with podman",
        )
    return found.files.podman_core


def varlink(layout: Layout, name: str) -> Connection:
    """A connection to the machine's varlink, not yet entered; it must be running."""
    from b2p.client.varlink import Connection

    return Connection(varlink_address(status.running(layout, name)))


def varlink_address(found: status.Status) -> Path | tuple[str, int]:
    """Where a machine offers varlink: its socket, or (host, port); UsageError where it does not."""
    record = found.record
    if record is not None and "varlink" not in engine.apis(record):
        raise UsageError(
            f"machine {found.name!r} has {record.family or record.engine}, which speaks no varlink",
            "make a machine with podman: b2p up NAME --engine podman",
        )
    if record is not None and record.varlink == "tcp":
        return client.ADDRESS, record.varlink_port
    if record is not None and record.varlink == "off":
        raise UsageError(
            f"varlink is off for machine {found.name!r}",
            "set varlink = 'unix' in b2p.toml and restart the machine",
        )
    return found.files.varlink


def target(layout: Layout, name: str, user: str, *, forward_agent: bool = False) -> client.Target:
    """How ssh reaches that machine; it must be running."""
    found = status.running(layout, name)
    port = found.record.ssh_port if found.record else 0
    return reach(layout, name, port or _asked_port(found), user, forward_agent=forward_agent)


def reach(
    layout: Layout, name: str, port: int, user: str, *, forward_agent: bool = False
) -> client.Target:
    """How ssh reaches a machine at that port; with `forward_agent` the host's agent is lent."""
    agent = os.environ.get("SSH_AUTH_SOCK", "") if forward_agent else ""
    return client.Target(
        name=name,
        port=port,
        key=layout.user_key,
        known_hosts=layout.machine(name).known_hosts,
        user=user,
        agent=agent,
    )


def ssh_block(layout: Layout, record: Record, *, forward_agent: bool) -> str:
    """What ssh is to know of a machine, whether it runs or not."""
    user = user_of(record)
    goal = reach(layout, record.name, record.ssh_port, user, forward_agent=forward_agent)
    return client.block(goal)


def user_of(record: Record | None) -> str:
    """Whom ssh logs in as."""
    if record is None or not record.family:
        return client.USER
    from b2p import families

    return families.by_name(record.family).user.name


def _asked_port(found: status.Status) -> int:
    """The port of ssh as QEMU itself tells it."""
    from b2p.control.monitor import Monitor

    with Monitor(found.files.calls) as monitor:
        port = monitor.host_port(ports.SSH)
    if port is None:
        raise GuestError(
            "ssh",
            f"machine {found.name!r} has no port for it",
            f"restart it: 'b2p down {found.name}'",
        )
    return port


def _is_terminal() -> bool:
    return os.isatty(0) and os.isatty(1)


def _hand_over(goal: client.Target, line: str, *, terminal: bool, logins: str = "") -> int:
    """Give ssh the terminal; what it returns is the inner status unless ssh itself failed."""
    program = client.tool("ssh")
    options: tuple[str, ...] = ()
    environment = None
    if logins:
        from b2p.client.logins import VARIABLE

        # In the environment, where other users do not see it as they see a command's words.
        options = ("-o", f"SendEnv={VARIABLE}")
        environment = {**os.environ, VARIABLE: logins}
    command = client.argv(goal, line, terminal=terminal, program=program, options=options)
    outcome = process.hand_over(command, env=environment)
    if outcome == SSH_FAILED:
        _check_reach(goal, program)
    return outcome


def _check_reach(goal: client.Target, program: str) -> None:
    """Raise GuestError where ssh does not come in; else its status was the command's own."""
    question = client.argv(goal, "true", terminal=False, program=program)
    said = process.run(question, timeout=QUESTION_SECONDS, check=False)
    if said.status:
        raise GuestError(
            "ssh",
            f"machine {goal.name!r} does not let us in",
            f"see 'b2p status {goal.name}' and 'b2p logs {goal.name}'",
            details=plain(said.stderr),
        )
