"""env, ssh-config."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from b2p import names
from b2p.cli.session import Session, Verb, machine_argument, pass_session


@click.command(cls=Verb, name="env")
@machine_argument
@click.option("--shell", type=click.Choice(["bash", "zsh", "sh", "fish", "tcsh", "powershell"]),
              help="Whose language to speak (default: that of $SHELL).")  # fmt: skip
@click.option("--docker", is_flag=True, help="Lead docker's clients there too.")
@click.option("--testcontainers", is_flag=True, help="Lead testcontainers' libraries there too.")
@click.option("--rootless", is_flag=True, help="The engine of core instead of root's.")
@click.option("--varlink", is_flag=True, help="Lead podman's clients of 2018 to 2020 there.")
@click.option("--bridge", is_flag=True, help="With --varlink: through ssh, not by a socket.")
@click.option("--unset", is_flag=True, help="Print what takes the variables away again.")
@pass_session
def environment(session: Session, /, name: str, *, unset: bool, **wishes: Any) -> None:
    """Print what podman and docker need to find the machine: eval "$(b2p env --docker)"."""
    from b2p import terminal
    from b2p.client import env

    kind = env.shell_of(wishes.pop("shell") or os.environ.get("SHELL", ""))
    if unset:
        del wishes["bridge"], wishes["rootless"]
        wishes["docker"] = wishes["docker"] or _is_dockers(session, name)
        terminal.out(env.unsets(kind, **wishes))
        return
    terminal.out(env.exports(_variables(session, name, **wishes), kind))
    if sys.stdout.isatty():
        terminal.say(env.to_use(" ".join(["b2p env", *_given(name, wishes)]), kind))


def _is_dockers(session: Session, name: str) -> bool:
    """Whether its variables are docker's alone; False where there is no such machine."""
    from b2p import engine
    from b2p.store import record as records

    record = records.read(session.layout.machine(name).record)
    return record is not None and not record.family and not engine.speaks_podman(record)


def _variables(
    session: Session,
    name: str,
    *,
    docker: bool,
    testcontainers: bool,
    varlink: bool,
    bridge: bool,
    rootless: bool,
) -> dict[str, str]:
    from b2p import engine, inside, status
    from b2p.client import env, ssh

    if bridge:
        goal = inside.target(session.layout, name, "root")
        return env.varlink_bridge(ssh.argv(goal, env.BRIDGE_COMMAND, terminal=False))
    (one,) = status.of_records([status.known(session.layout, name)], session.layout)
    if one.state != "running":
        session.report.warn(f"machine {name!r} is not running", f"start it with 'b2p up {name}'")
    if varlink:
        return env.varlink_address(inside.varlink_address(one))
    socket = inside.core_socket(one) if rootless else one.files.podman
    assert one.record is not None  # noqa: S101 - it was made of one
    kind = engine.of(one.record)
    return env.variables(socket, kind, docker=docker, testcontainers=testcontainers)


def _given(name: str, wishes: dict[str, Any]) -> list[str]:
    """The words that were given, for the line to copy."""
    flags = [f"--{key}" for key, is_given in wishes.items() if is_given]
    return [*([name] if name != names.DEFAULT else []), *flags]


@click.command(cls=Verb, name="ssh-config")
@machine_argument
@pass_session
def ssh_config(session: Session, name: str) -> None:
    """Print what ssh, scp, rsync and editors need to find the machine as b2p-NAME.

    `up` keeps the same for every machine in a file; a line of yours brings them all in:
    Include, with the pattern that is printed here on stderr.
    """
    from b2p import inside, status, terminal
    from b2p.client import ssh

    record = status.known(session.layout, name)
    lent = session.settings(name).forward_agent
    terminal.out(inside.ssh_block(session.layout, record, forward_agent=lent))
    line = ssh.include(session.layout.ssh_configs)
    session.report.note(f"for all machines, at the top of ~/.ssh/config: {line}")


@click.command(cls=Verb)
@machine_argument
@pass_session
def ip(session: Session, name: str) -> None:
    """Print the address at which what containers publish answers: this computer's own.

    A machine's network is QEMU's, which nobody else can reach: there is no other address.
    """
    from b2p import status, terminal
    from b2p.client import ssh

    status.known(session.layout, name)
    terminal.out(ssh.ADDRESS)
    if sys.stdout.isatty():
        session.report.note("a machine has no address of its own; what it publishes answers here")
